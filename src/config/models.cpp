#include "config/models.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <set>

#include "base/crypto.h"
#include "base/nearest.h"
#include "service/billing/money.h"
#include "service/pictures/edit_request.h"

namespace imagined::config {

tl::unexpected<Error> refuse(std::string_view key, std::string_view expected,
                             const ModelValue& value) {
  const bool quoted = value.type == ModelValue::Type::text;
  return fail(ErrorCode::invalid_argument,
              fmt::format("{0}: expected {1}, got {3}{2}{3}", key, expected,
                          value.text.empty() && !quoted ? "a list or table" : value.text,
                          quoted ? "\"" : ""),
              std::string(key));
}

namespace {

bool contains(std::span<const std::string_view> words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

constexpr std::int64_t kDollarsMax = 1000;
constexpr int kPriceDecimals = 10;

template <class T>
Result<T> parse_number(std::string_view key, const ModelValue& value, T min, T max,
                       std::string_view expected) {
  T number{};
  const char* first = value.text.data();
  const char* last = first + value.text.size();
  const auto [end, error] = std::from_chars(first, last, number);
  const bool typed = value.type == ModelValue::Type::whole ||
                     (std::is_floating_point_v<T> && value.type == ModelValue::Type::decimal);
  if (!typed || error != std::errc() || end != last || !(number >= min && number <= max)) {
    return refuse(key, expected, value);
  }
  return number;
}

Result<std::vector<std::string>> parse_aliases(const ModelValue& value) {
  if (value.type != ModelValue::Type::texts) {
    return refuse("aliases", "a list of names such as [\"a\", \"b\"]", value);
  }
  return value.texts;
}

constexpr double kLoraScaleMax = 100;

Result<LoraSettings> parse_lora_table(const std::vector<ModelEntry>& table) {
  LoraSettings lora;
  for (const auto& [key, value] : table) {
    if (key == "path") {
      if (value.type != ModelValue::Type::text || value.text.empty())
        return refuse("loras: path", "a file", value);
      lora.path = value.text;
    } else if (key == "scale") {
      lora.scale = TRY(parse_number<double>("loras: scale", value, -kLoraScaleMax, kLoraScaleMax,
                                            "a number from -100 to 100"));
    } else {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("loras: a LoRA has a path and a scale, no {}", key), "loras");
    }
  }
  if (!lora.path.empty()) return lora;
  return fail(ErrorCode::invalid_argument, "loras: path is missing", "loras");
}

Result<std::vector<LoraSettings>> parse_loras(const ModelValue& value) {
  const bool empty = value.type == ModelValue::Type::texts && value.texts.empty();
  if (value.type != ModelValue::Type::tables && !empty)
    return refuse("loras", "a list such as [{path = \"style.safetensors\", scale = 0.8}]", value);
  std::vector<LoraSettings> loras;
  for (const std::vector<ModelEntry>& table : value.tables)
    loras.push_back(TRY(parse_lora_table(table)));
  return loras;
}

Result<std::int64_t> parse_price_value(std::string_view key, const ModelValue& value) {
  if (value.type == ModelValue::Type::text) return parse_price(value.text, key);
  // A float would have lost digits before we see it.
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: expected a decimal number in quotes, write \"{}\"", key,
                          value.text.empty() ? "0.02" : value.text),
              std::string(key));
}

}  // namespace

std::vector<ModelSettings> default_models() {
  ModelSettings fast{.name = "grok-imagine-image",
                     .makes = service::Makes::pictures,
                     .steps = 4,
                     .price_usd_ticks = 200'000'000,
                     .aliases = {"grok-imagine-image-2026-03-02"},
                     .created_unix_s = 1'769'472'000};
  ModelSettings quality{
      .name = "grok-imagine-image-quality",
      .makes = service::Makes::pictures,
      .steps = 16,
      .price_usd_ticks = 500'000'000,
      .aliases = {"grok-imagine-image-2.0", "grok-imagine-image-pro",
                  "grok-imagine-image-quality-latest", "grok-imagine-image-quality-20260403"},
      .created_unix_s = 1'775'174'400};
  ModelSettings video{.name = "grok-imagine-video",
                      .makes = service::Makes::videos,
                      .steps = 6,
                      .price_input_usd_ticks = 20'000'000,
                      .price_second_usd_ticks = 500'000'000,
                      .price_second_720p_usd_ticks = 700'000'000,
                      .created_unix_s = 1'769'472'000};
  ModelSettings video_quality{.name = "grok-imagine-video-1.5",
                              .makes = service::Makes::videos,
                              .steps = 16,
                              .price_input_usd_ticks = 100'000'000,
                              .price_second_usd_ticks = 800'000'000,
                              .price_second_720p_usd_ticks = 1'400'000'000,
                              .aliases = {"grok-imagine-video-1.5-preview"},
                              .created_unix_s = 1'775'174'400};
  return {std::move(fast), std::move(quality), std::move(video), std::move(video_quality)};
}

void guide_by_steps(ModelSettings& model) {
  // It makes few steps worse; many are as good with a little of it (docs/paperland.md).
  constexpr float kBuiltInGuidance = 1.5f;
  if (model.guidance || model.steps < kGuidedSteps) return;
  model.guidance = kBuiltInGuidance;
  model.guidance_is_ours = true;
}

std::span<const std::string_view> model_keys() {
  static constexpr std::array<std::string_view, 26> kKeys = {"path",
                                                             "transformer",
                                                             "text_encoder",
                                                             "text_encoder_2",
                                                             "vae",
                                                             "tokenizer",
                                                             "tokenizer_2",
                                                             "distilled",
                                                             "cached_references",
                                                             "steps",
                                                             "guidance",
                                                             "steps_max",
                                                             "price_usd",
                                                             "price_2k_usd",
                                                             "price_input_usd",
                                                             "aliases",
                                                             "max_prompt_length",
                                                             "created",
                                                             "elsewhere",
                                                             "upstreams",
                                                             "makes",
                                                             "max_references",
                                                             "loras",
                                                             "precision",
                                                             "price_second_usd",
                                                             "price_second_720p_usd"};
  return kKeys;
}

std::span<const std::string_view> precisions() {
  static constexpr std::array<std::string_view, 3> kPrecisions = {"f32", "bf16", "int8"};
  return kPrecisions;
}

std::span<const std::string_view> part_keys() {
  static constexpr std::array<std::string_view, 6> kKeys = {
      "transformer", "text_encoder", "text_encoder_2", "vae", "tokenizer", "tokenizer_2"};
  return kKeys;
}

Result<void> assign_model_value(std::string_view key, const ModelValue& value,
                                ModelSettings& model) {
  if (key == "path") {
    if (value.type != ModelValue::Type::text || value.text.empty()) {
      return refuse(key, "a folder or file", value);
    }
    model.path = value.text;
  } else if (contains(part_keys(), key)) {
    if (value.type != ModelValue::Type::text || value.text.empty()) {
      return refuse(key, "a folder or file", value);
    }
    model.parts[std::string(key)] = value.text;
  } else if (key == "loras") {
    model.loras = TRY(parse_loras(value));
  } else if (key == "precision") {
    if (value.type != ModelValue::Type::text || !contains(precisions(), value.text)) {
      return refuse(key, "one of \"f32\", \"bf16\", \"int8\"", value);
    }
    model.precision = value.text;
  } else if (key == "distilled" || key == "cached_references") {
    if (value.type != ModelValue::Type::truth) return refuse(key, "true or false", value);
    (key == "distilled" ? model.distilled : model.cached_references) = value.text == "true";
  } else if (key == "elsewhere") {
    if (value.type != ModelValue::Type::truth) return refuse(key, "true or false", value);
    model.elsewhere = value.text == "true";
  } else if (key == "upstreams") {
    if (value.type != ModelValue::Type::texts || value.texts.empty())
      return refuse(key, "a list of names of [upstreams.NAME], such as [\"a\", \"b=name/there\"]",
                    value);
    model.upstreams = value.texts;
    model.elsewhere = true;
  } else if (key == "makes") {
    if (value.type != ModelValue::Type::text ||
        (value.text != "pictures" && value.text != "videos"))
      return refuse(key, "\"pictures\" or \"videos\"", value);
    model.makes = value.text == "videos" ? service::Makes::videos : service::Makes::pictures;
  } else if (key == "max_references") {
    model.references_max = TRY(
        parse_number<int>(key, value, 0, service::kReferencesMax, "a whole number from 0 to 8"));
  } else if (key == "steps") {
    model.steps = TRY(parse_number<int>(key, value, 1, 100, "a whole number from 1 to 100"));
  } else if (key == "steps_max") {
    model.steps_max = TRY(parse_number<int>(key, value, 1, 500, "a whole number from 1 to 500"));
  } else if (key == "guidance") {
    model.guidance = TRY(parse_number<float>(key, value, 0.0f, 100.0f, "a number from 0 to 100"));
  } else if (key == "price_usd") {
    model.price_usd_ticks = TRY(parse_price_value(key, value));
  } else if (key == "price_2k_usd") {
    model.price_2k_usd_ticks = TRY(parse_price_value(key, value));
  } else if (key == "price_input_usd") {
    model.price_input_usd_ticks = TRY(parse_price_value(key, value));
  } else if (key == "price_second_usd") {
    model.price_second_usd_ticks = TRY(parse_price_value(key, value));
  } else if (key == "price_second_720p_usd") {
    model.price_second_720p_usd_ticks = TRY(parse_price_value(key, value));
  } else if (key == "aliases") {
    model.aliases = TRY(parse_aliases(value));
  } else if (key == "max_prompt_length") {
    model.max_prompt_length =
        TRY(parse_number<int>(key, value, 1, 65'536, "a whole number from 1 to 65536"));
  } else if (key == "created") {
    model.created_unix_s = TRY(parse_number<std::int64_t>(key, value, 0, 4'102'444'800,
                                                          "seconds since 1970 as a whole number"));
  } else {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{}: a model has no such setting{}", key, did_you_mean(key, model_keys())),
        std::string(key));
  }
  return {};
}

LoraSettings parse_lora(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) {
    const std::string_view number = text.substr(colon + 1);
    const char* const last = number.data() + number.size();
    double scale = 0;
    const auto [end, error] = std::from_chars(number.data(), last, scale);
    if (error == std::errc() && end == last && std::abs(scale) <= kLoraScaleMax)
      return {.path = std::string(text.substr(0, colon)), .scale = scale};
  }
  return {.path = std::string(text)};
}

Result<std::int64_t> parse_price(std::string_view text, std::string_view key) {
  // Prices are smaller than other amounts of money, and none is negative.
  const auto ticks = service::parse_usd(text, key);
  if (!ticks || text.starts_with('-') || text.substr(0, text.find('.')).size() > 4 ||
      *ticks > kDollarsMax * service::kTicksPerUsd)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: expected a decimal number of dollars from 0 to {} with at most {} "
                            "decimals, got \"{}\"",
                            key, kDollarsMax, kPriceDecimals, text),
                std::string(key));
  return ticks;
}

namespace {

namespace fs = std::filesystem;

constexpr int kUpstreamFramesPerSecond = 24;  // of xAI's clips

void add_state(const fs::path& file, std::string& state) {
  std::error_code error;
  const auto size = fs::file_size(file, error);
  if (error) return;
  const auto time = fs::last_write_time(file, error).time_since_epoch().count();
  state += fmt::format("{}:{}:{}\n", file.string(), size, time);
}

std::optional<service::Abilities> upstream_abilities(const ModelSettings& model) {
  if (model.upstreams.empty()) return std::nullopt;
  const bool makes_videos = model.makes == service::Makes::videos;
  return service::Abilities{.references_max = model.references_max,
                            .pictures = !makes_videos,
                            .clip_frames_per_second = makes_videos ? kUpstreamFramesPerSecond : 0};
}

// Names, sizes and times of all files of a model: what changes when its weights do.
std::string state_of_files(const ModelSettings& model) {
  std::vector<fs::path> files;
  const auto add = [&files](const fs::path& path) {
    std::error_code error;
    if (!fs::is_directory(path, error)) return files.push_back(path);
    for (fs::recursive_directory_iterator each(path, error), end; !error && each != end;
         each.increment(error))
      if (each->is_regular_file(error)) files.push_back(each->path());
  };
  if (!model.path.empty()) add(model.path);
  for (const auto& [part, path] : model.parts) add(path);
  for (const LoraSettings& lora : model.loras) add(lora.path);
  std::ranges::sort(files);
  std::string state;
  for (const fs::path& file : files) add_state(file, state);
  return to_hex(sha256(state));
}

}  // namespace

Result<service::Catalogue> make_catalogue(const std::vector<ModelSettings>& models,
                                          const CardOf& card_of,
                                          std::vector<service::Talker> talkers) {
  std::vector<service::Model> list;
  for (const ModelSettings& model : models) {
    std::string weights = model.path;
    for (const auto& [part, path] : model.parts) weights += fmt::format("|{}={}", part, path);
    for (const LoraSettings& lora : model.loras)
      weights += fmt::format("|lora={}:{}", lora.path, lora.scale);
    for (const auto& [key, value] : {std::pair{"distilled", model.distilled},
                                     std::pair{"cached_references", model.cached_references}}) {
      if (value) weights += fmt::format("|{}={}", key, *value);
    }
    if (!model.precision.empty()) weights += fmt::format("|precision={}", model.precision);
    list.push_back({.id = model.name,
                    .aliases = model.aliases,
                    .path = model.path,
                    .steps = model.steps,
                    .guidance = model.guidance,
                    .steps_max = model.steps_max,
                    .price_usd_ticks = model.price_usd_ticks,
                    .price_2k_usd_ticks = model.price_2k_usd_ticks,
                    .price_input_usd_ticks = model.price_input_usd_ticks,
                    .price_second_usd_ticks = model.price_second_usd_ticks,
                    .price_second_720p_usd_ticks = model.price_second_720p_usd_ticks,
                    .max_prompt_length = model.max_prompt_length,
                    .created_unix_s = model.created_unix_s,
                    .card = card_of && !model.elsewhere ? card_of(model.path) : std::string(),
                    .weights = std::move(weights),
                    .weights_state = model.elsewhere ? std::string() : state_of_files(model),
                    .elsewhere = model.elsewhere,
                    .makes = model.makes,
                    .upstream_abilities = upstream_abilities(model)});
  }
  std::vector<service::RetiredName> retired;
  if (!list.empty()) retired = service::legacy_names(service::default_of(list).id);
  return service::Catalogue::make(std::move(list), std::move(retired), std::move(talkers));
}

}  // namespace imagined::config

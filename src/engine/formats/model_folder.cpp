#include "engine/formats/model_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "engine/formats/in_quotes.h"
#include "engine/formats/json.h"
#include "engine/formats/model_parts.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

/// A configuration file of a component, under the name that error messages use.
template <class Config>
Result<Config> read_config(const fs::path& root, const std::string& file,
                           Result<Config> (*parse)(std::string_view, std::string_view)) {
  const fs::path path = root / file;
  if (!is_file(path)) return missing(root, file);
  const std::string text = TRY(read_text(path, kMaxConfigBytes));
  return parse(text, file);
}

/// `"vae": ["diffusers", "AutoencoderKLFlux2"]`.
void check_component(ConfigReader& reader, const json& index, const char* key,
                     std::span<const std::string_view> classes) {
  if (!reader.has(key)) return reader.refuse(key, "missing");
  const json& pair = index.at(key);
  if (!pair.is_array() || pair.size() != 2 || !pair[1].is_string())
    return reader.refuse(key, "expected a pair [library, class]");
  const auto name = pair[1].get<std::string>();
  if (std::find(classes.begin(), classes.end(), name) == classes.end())
    reader.refuse(key,
                  fmt::format("{} is not supported, only {}", in_quotes(name), classes.front()),
                  ErrorCode::unimplemented);
}

void check_pipeline(ConfigReader& reader, ModelFolder& model) {
  const std::string pipeline = reader.string_or("_class_name", "");
  model.flux2.cached_references = pipeline == "Flux2KleinKVPipeline";
  if (pipeline == "Flux2KleinPipeline" || model.flux2.cached_references) return;
  if (pipeline.empty()) return reader.refuse("_class_name", "missing");
  reader.refuse("_class_name",
                fmt::format("{} is not supported, only Flux2KleinPipeline and Flux2KleinKVPipeline",
                            in_quotes(pipeline)),
                ErrorCode::unimplemented);
}

void set_distilled(ModelFolder& model, bool distilled) {
  model.distilled = distilled;
  model.guidance = distilled ? GuidanceUse::none : GuidanceUse::two_passes;
}

constexpr ConfigReader::Limits kPromptTokens{1, 1 << 16};

/// The published models' settings: 4 steps without guidance, or 50 with guidance 4 before
/// distillation.
SamplingDefaults published_sampling(bool distilled) {
  SamplingDefaults sampling;
  if (!distilled) {
    sampling.steps = 50;
    sampling.guidance = 4;
  }
  return sampling;
}

Result<ModelFolder> open_diffusers(const fs::path& root) {
  ModelFolder model;
  model.name = last_name(root);
  model.family = "flux2-klein";
  const std::string index = TRY(read_text(root / "model_index.json", kMaxConfigBytes));
  TRY(parse_model_index(index, model));
  model.transformer = root / "transformer";
  model.text_encoder = root / "text_encoder";
  model.vae = root / "vae";
  for (const char* part : {"transformer", "text_encoder", "vae", "tokenizer", "scheduler"})
    if (!is_folder(root / part)) return missing(root, fmt::format("{}/", part));
  const bool cached_references = model.flux2.cached_references;
  model.flux2 = TRY(read_config(root, "transformer/config.json", parse_flux2_config));
  model.flux2.cached_references = cached_references;
  model.qwen3 = TRY(read_config(root, "text_encoder/config.json", parse_qwen3_config));
  model.vae_config = TRY(read_config(root, "vae/config.json", parse_vae_config));
  model.scheduler =
      TRY(read_config(root, "scheduler/scheduler_config.json", parse_scheduler_config));
  model.sampling = published_sampling(model.distilled);
  if (is_file(root / "sampling.json")) {
    const std::string sampling = TRY(read_text(root / "sampling.json", kMaxConfigBytes));
    TRY(parse_sampling(sampling, model));
  }
  model.tokenizer = TRY(find_tokenizer(root));
  TRY(check_parts(model));
  return model;
}

/// The configuration that a file of weights gives away.
template <class Config>
Result<Config> detect_in(const fs::path& weights, Network network,
                         Result<Config> (*detect)(const WeightSource&)) {
  const WeightSource source = TRY(WeightSource::open(weights, network));
  Result<Config> config = detect(source);
  if (config) return config;
  Error error = std::move(config.error());
  error.message = fmt::format("{}: {}", weights.filename().string(), error.message);
  return tl::unexpected(std::move(error));
}

/// Reads the configuration beside the weights, or makes one out of them.
template <class Config>
Result<Config> config_or_detect(const fs::path& weights, const std::string& part, Network network,
                                Result<Config> (*parse)(std::string_view, std::string_view),
                                Result<Config> (*detect)(const WeightSource&)) {
  if (!is_folder(weights) || !is_file(weights / "config.json"))
    return detect_in(weights, network, detect);
  const std::string text = TRY(read_text(weights / "config.json", kMaxConfigBytes));
  return parse(text, part + "/config.json");
}

/// Whether the file itself also holds the network (an all-in-one checkpoint).
bool holds(const fs::path& file, Network network, std::string_view name) {
  const Result<WeightSource> source = WeightSource::open(file, network);
  return source && source->has(name);
}

/// A file that only a complete folder has, looked for around a single file; empty without it.
fs::path near(const fs::path& file, const char* name) {
  for (const fs::path& folder : neighbourhood(file))
    if (is_file(folder / name)) return folder / name;
  return {};
}

/// What shapes cannot say (axes and base of the rotation, epsilon) from a transformer/config.json
/// in the neighbourhood, if it describes a transformer of the same shapes.
Result<Flux2Config> refine(const Flux2Config& detected, const fs::path& file) {
  const fs::path path = near(file, "transformer/config.json");
  if (path.empty()) return detected;
  const std::string text = TRY(read_text(path, kMaxConfigBytes));
  const Flux2Config stated = TRY(parse_flux2_config(text, "transformer/config.json"));
  const auto shapes = [](const Flux2Config& config) {
    return std::array{
        config.in_channels, config.out_channels, config.double_blocks, config.single_blocks,
        config.heads,       config.head_dim,     config.context_size,  config.timestep_channels,
        config.mlp_size};
  };
  return shapes(stated) == shapes(detected) ? stated : detected;
}

/// The configuration of a complete folder, as far as it lies around a single file.
Result<> read_surroundings(const fs::path& file, ModelFolder& model) {
  if (const fs::path path = near(file, "model_index.json"); !path.empty()) {
    const std::string text = TRY(read_text(path, kMaxConfigBytes));
    TRY(parse_model_index(text, model));
  }
  if (const fs::path path = near(file, "scheduler/scheduler_config.json"); !path.empty()) {
    const std::string text = TRY(read_text(path, kMaxConfigBytes));
    model.scheduler = TRY(parse_scheduler_config(text, "scheduler/scheduler_config.json"));
  }
  model.sampling = published_sampling(model.distilled);
  if (const fs::path path = near(file, "sampling.json"); !path.empty()) {
    const std::string text = TRY(read_text(path, kMaxConfigBytes));
    TRY(parse_sampling(text, model));
  }
  return {};
}

Result<ModelFolder> open_single_file(const fs::path& file) {
  ModelFolder model;
  model.name = file.stem().string();
  model.family = "flux2-klein";
  set_distilled(model, model.name.find("-base-") == std::string::npos);
  model.transformer = file;
  const Flux2Config detected = TRY(detect_in(file, Network::flux2, detect_flux2));
  model.flux2 = TRY(refine(detected, file));
  model.flux2.cached_references = model.name.ends_with("-kv");
  model.text_encoder = holds(file, Network::qwen3, "model.embed_tokens.weight")
                           ? file
                           : TRY(find_text_encoder(file));
  model.vae = holds(file, Network::vae, "decoder.conv_in.weight") ? file : TRY(find_vae(file));
  model.qwen3 = TRY(config_or_detect(model.text_encoder, "text_encoder", Network::qwen3,
                                     parse_qwen3_config, detect_qwen3));
  model.vae_config =
      TRY(config_or_detect(model.vae, "vae", Network::vae, parse_vae_config, detect_vae));
  TRY(read_surroundings(file, model));
  model.tokenizer = TRY(find_tokenizer(file));
  TRY(check_parts(model));
  return model;
}

bool is_tokenizer_folder(const fs::path& folder) {
  return is_file(folder / "tokenizer.json") ||
         (is_file(folder / "vocab.json") && is_file(folder / "merges.txt"));
}

}  // namespace

Result<> check_parts(const ModelFolder& model) {
  const auto refuse = [](std::string message) {
    return fail(ErrorCode::invalid_argument, std::move(message));
  };
  const auto taps = static_cast<std::int64_t>(model.text.taps.size());
  for (const std::int64_t tap : model.text.taps)
    if (tap > model.qwen3.layers)
      return refuse(fmt::format("text_encoder_out_layers: {}, but the text encoder has {} layers",
                                tap, model.qwen3.layers));
  if (taps * model.qwen3.hidden_size != model.flux2.context_size)
    return refuse(fmt::format(
        "joint_attention_dim is {}, expected {} ({} taps of text features of width {})",
        model.flux2.context_size, taps * model.qwen3.hidden_size, taps, model.qwen3.hidden_size));
  const std::int64_t channels = 4 * model.vae_config.latent_channels;
  if (model.flux2.in_channels != channels || model.flux2.out_channels != channels)
    return refuse(
        fmt::format("the transformer takes {} channels and gives {}, expected {} (2x2 "
                    "patches of {} latent channels)",
                    model.flux2.in_channels, model.flux2.out_channels, channels,
                    model.vae_config.latent_channels));
  return {};
}

Result<> parse_model_index(std::string_view text, ModelFolder& model) {
  const json index = TRY(parse_json(text, "model_index.json"));
  ConfigReader reader(index, "model_index.json");
  check_pipeline(reader, model);
  static constexpr std::array<std::string_view, 1> kScheduler = {"FlowMatchEulerDiscreteScheduler"};
  static constexpr std::array<std::string_view, 2> kText = {"Qwen3ForCausalLM", "Qwen3Model"};
  static constexpr std::array<std::string_view, 2> kTokenizer = {"Qwen2TokenizerFast",
                                                                 "Qwen2Tokenizer"};
  static constexpr std::array<std::string_view, 1> kTransformer = {"Flux2Transformer2DModel"};
  static constexpr std::array<std::string_view, 1> kVae = {"AutoencoderKLFlux2"};
  check_component(reader, index, "scheduler", kScheduler);
  check_component(reader, index, "text_encoder", kText);
  check_component(reader, index, "tokenizer", kTokenizer);
  check_component(reader, index, "transformer", kTransformer);
  check_component(reader, index, "vae", kVae);
  // The KV pipeline knows no guidance at all.
  set_distilled(model, reader.boolean_or("is_distilled", model.flux2.cached_references));
  constexpr std::size_t kMaxTaps = 16;
  model.text.taps =
      reader.integers_or("text_encoder_out_layers", model.text.taps, kMaxTaps, {0, 1000});
  model.text.max_tokens =
      reader.integer_or("max_sequence_length", model.text.max_tokens, kPromptTokens);
  const std::string padding = reader.string_or("text_padding", "max_length");
  if (padding != "none" && padding != "max_length")
    reader.refuse("text_padding",
                  fmt::format("expected \"none\" or \"max_length\", found {}", in_quotes(padding)));
  model.text.pad = padding != "none";
  return reader.finish();
}

Result<> parse_sampling(std::string_view text, ModelFolder& model) {
  const json root = TRY(parse_json(text, "sampling.json"));
  ConfigReader reader(root, "sampling.json");
  SamplingDefaults& sampling = model.sampling;
  sampling.steps = reader.integer_or("steps", sampling.steps, {1, 1000});
  sampling.guidance = reader.positive_or("guidance_scale", sampling.guidance);
  if (reader.has("shift")) sampling.shift = reader.positive_or("shift", 1);
  sampling.native_pixels = reader.integer_or("native_pixels", sampling.native_pixels, {0, 1 << 28});
  const std::int64_t derived = model.vae_config.pixels_per_token();
  const std::int64_t stated = reader.integer_or("pixels_per_token", derived, {1, 1 << 16});
  if (stated != derived)
    reader.refuse("pixels_per_token",
                  fmt::format("{} here, {} by vae/config.json", stated, derived));
  return reader.finish();
}

Result<ModelFolder> open_model(const fs::path& path) {
  if (is_folder(path)) {
    // The single file may stand in the root of a folder whose transformer/ was left out.
    const bool complete = is_file(path / "model_index.json");
    if (complete && holds_weights(path / "transformer")) return open_diffusers(path);
    const Result<fs::path> file = only_transformer(path);
    if (file) return open_single_file(*file);
    if (complete) return open_diffusers(path);  // which says what is missing
    return tl::unexpected(file.error());
  }
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    return fail(ErrorCode::not_found, fmt::format("{}: no such file or folder", last_name(path)),
                {}, path.string());
  return open_single_file(path);
}

Result<fs::path> find_tokenizer(const fs::path& path) {
  std::vector<fs::path> places;
  if (is_folder(path)) {
    places = {path / "tokenizer", path};
  } else {
    for (const fs::path& folder : neighbourhood(path))
      places.insert(places.end(), {folder / "tokenizer", folder, folder / "text_encoder"});
  }
  for (const fs::path& place : places)
    if (is_tokenizer_folder(place)) return place;
  if (is_folder(path))
    if (const Result<fs::path> file = only_transformer(path)) return find_tokenizer(*file);
  return missing(path, "tokenizer/tokenizer.json");
}

}  // namespace imagined::engine

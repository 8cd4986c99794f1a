#include "api/wire/image_request.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "api/wire/json.h"

namespace imagined::api::wire {
namespace {

using nlohmann::json;
using service::AspectRatio;
using service::Resolution;

constexpr std::array<std::string_view, 2> kResponseFormats = {"url", "b64_json"};
// Read so that a wrong word is noticed; no model here has tiers.
constexpr std::array<std::string_view, 6> kQualities = {"low",  "medium",   "high",
                                                        "auto", "standard", "hd"};
constexpr std::array<std::string_view, 2> kOutputFormats = {"jpeg", "png"};

// Sizes that OpenAI's and others' clients send when they mean "the normal one" (appendix B).
struct KnownSize {
  std::string_view size;
  AspectRatio ratio;
};
constexpr KnownSize kOpenAiSizes[] = {
    {"1792x1024", AspectRatio::r16_9},
    {"1024x1792", AspectRatio::r9_16},
    {"1920x1080", AspectRatio::r16_9},
    {"1080x1920", AspectRatio::r9_16},
};

std::string listed(std::span<const std::string_view> words) {
  return fmt::format("one of {}", fmt::join(words, ", "));
}

// A word that must be on a list; none when the field is absent.
Result<std::optional<std::string>> read_word(const json& body, std::string_view name,
                                             std::span<const std::string_view> words) {
  auto word = TRY(read_string(body, name, listed(words)));
  if (word && std::find(words.begin(), words.end(), *word) == words.end()) {
    return fail(ErrorCode::unprocessable,
                fmt::format("{}: expected {}, got {}", name, listed(words), shown(*word)),
                std::string(name));
  }
  return word;
}

// What a client would wrongly rely on when it was ignored.
Result<void> refuse_promises(const json& body) {
  for (const std::string_view name : {"deferred", "output", "storage_options"}) {
    const auto found = body.find(name);
    if (found == body.end() || found->is_null() || *found == false) continue;
    return fail(ErrorCode::invalid_argument, fmt::format("{}: not offered by this server", name),
                std::string(name));
  }
  return {};
}

Result<Shape> read_shape(const json& body) {
  Shape shape;
  if (const auto size = TRY(read_string(body, "size", "WIDTHxHEIGHT or auto"))) {
    shape = TRY(parse_size(*size));
  }
  if (const auto ratio = TRY(read_string(body, "aspect_ratio", "a ratio such as 16:9"))) {
    shape.aspect_ratio = TRY(service::parse_aspect_ratio(*ratio));
  }
  if (const auto resolution = TRY(read_string(body, "resolution", "one of 1k, 1.5k, 2k"))) {
    shape.resolution = TRY(service::parse_resolution(*resolution));
  }
  return shape;
}

Result<std::optional<std::uint64_t>> read_seed(const json& body) {
  constexpr std::string_view kExpected = "an integer from 0 to 9223372036854775807";
  const auto seed = TRY(read_integer(body, "seed", kExpected));
  if (!seed) return std::nullopt;
  if (*seed < 0) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("seed: expected {}, got {}", kExpected, *seed), "seed");
  }
  return static_cast<std::uint64_t>(*seed);
}

Result<service::Prompt> read_prompt(const json& body, int max_code_points) {
  const auto text = TRY(read_string(body, "prompt", "a string"));
  if (!text)
    return fail(ErrorCode::invalid_argument, "prompt: expected a string, got none", "prompt");
  return service::Prompt::parse(*text, max_code_points);
}

int parse_edge(std::string_view text) {
  int edge = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), edge);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && edge > 0 && text.front() != '0' ? edge : 0;
}

}  // namespace

Result<Shape> parse_size(std::string_view text) {
  if (text == "auto") return Shape{};
  const auto cross = text.find('x');
  const int width = cross == std::string_view::npos ? 0 : parse_edge(text.substr(0, cross));
  const int height = cross == std::string_view::npos ? 0 : parse_edge(text.substr(cross + 1));
  if (width == 0 || height == 0) {
    return fail(
        ErrorCode::unprocessable,
        fmt::format("size: expected WIDTHxHEIGHT or auto, got {}", shown(std::string(text))),
        "size");
  }
  for (const KnownSize& known : kOpenAiSizes) {
    if (text == known.size) return Shape{known.ratio, Resolution::k1};
  }
  for (const Resolution resolution : service::all_resolutions()) {
    for (const AspectRatio ratio : service::all_aspect_ratios()) {
      if (ratio == AspectRatio::auto_) continue;
      if (service::picture_size(ratio, resolution) == service::PictureSize{width, height}) {
        return Shape{ratio, resolution};
      }
    }
  }
  // The words of a ratio are exact where its pixel sizes are rounded.
  const double wanted = std::log(static_cast<double>(width) / height);
  Shape shape{AspectRatio::r1_1, std::max(width, height) > 1600 ? Resolution::k2 : Resolution::k1};
  double nearest = 1e9;
  for (const AspectRatio ratio : service::all_aspect_ratios()) {
    if (ratio == AspectRatio::auto_) continue;
    const std::string words(service::to_string(ratio));
    const double x = std::stod(words);
    const double y = std::stod(words.substr(words.find(':') + 1));
    const double distance = std::abs(std::log(x / y) - wanted);
    if (distance < nearest) {
      nearest = distance;
      shape.aspect_ratio = ratio;
    }
  }
  return shape;
}

Result<GenerationCall> parse_generation_call(std::string_view text,
                                             const service::Catalogue& catalogue) {
  const json body = TRY(parse_json_object(text));
  const auto model_name = TRY(read_string(body, "model", "the name of a model"));
  const service::Model* model =
      model_name ? TRY(catalogue.resolve(*model_name)) : &catalogue.default_model();
  // Not inside the initializer below: an early return there would leak what is initialized so far.
  service::Prompt prompt = TRY(read_prompt(body, model->max_prompt_length));
  service::PictureRequest request{.model = model->id, .prompt = std::move(prompt)};
  if (const auto count = TRY(read_integer(body, "n", "an integer from 1 to 10"))) {
    request.count = TRY(service::check_picture_count(*count));
  }
  const Shape shape = TRY(read_shape(body));
  request.aspect_ratio = shape.aspect_ratio;
  request.resolution = shape.resolution;
  request.seed = TRY(read_seed(body));
  if (const auto format = TRY(read_word(body, "output_format", kOutputFormats))) {
    request.format = TRY(image::parse_output_format(*format));
  }
  if (auto user = TRY(read_string(body, "user", "a string"))) {
    TRY(service::check_user(*user));
    request.user = std::move(*user);
  }
  TRY(read_word(body, "quality", kQualities));
  TRY(refuse_promises(body));
  const auto response_format = TRY(read_word(body, "response_format", kResponseFormats));
  return GenerationCall{std::move(request), response_format == "b64_json" ? ResponseFormat::b64_json
                                                                          : ResponseFormat::url};
}

}  // namespace imagined::api::wire

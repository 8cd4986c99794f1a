#include "api/wire/image_request.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "api/wire/errors.h"
#include "api/wire/json.h"
#include "base/json.h"
#include "base/utf8.h"
#include "base/words.h"

namespace imagined::api::wire {
namespace {

using nlohmann::json;
using service::AspectRatio;
using service::Resolution;

constexpr std::array<std::string_view, 2> kResponseFormats = {"url", "b64_json"};
// OpenAI's models of these names answer with base64 alone, so clients that ask for one name no form
// and read no link. Here such a name is an alias.
constexpr std::string_view kBase64Models = "gpt-image-";
// Read so that a wrong word is noticed; no model here has tiers.
constexpr std::array<std::string_view, 8> kQualities = {"auto", "standard", "low",   "medium",
                                                        "high", "hd",       "xhigh", "max"};
constexpr std::array<std::string_view, 4> kXaiQualities = {"low", "medium", "high", "auto"};
constexpr std::array<std::string_view, 3> kXaiResolutions = {"1k", "1.5k", "2k"};
constexpr std::array<std::string_view, 3> kOutputFormats = {"jpeg", "png", "webp"};

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

// Under these names clients hand over pictures; for others see `is_picture`.
constexpr std::string_view kPictures[] = {"image", "images", "image[]", "image_url", "mask"};
constexpr std::string_view kRead[] = {"model",
                                      "prompt",
                                      "n",
                                      "response_format",
                                      "aspect_ratio",
                                      "size",
                                      "resolution",
                                      "quality",
                                      "seed",
                                      "steps",
                                      "guidance",
                                      "negative_prompt",
                                      "user",
                                      "safety_identifier",
                                      "output_format",
                                      "output_compression",
                                      "stream",
                                      "deferred",
                                      "storage_options",
                                      "output",
                                      "partial_images",
                                      "num_inference_steps",
                                      "guidance_scale"};
// What fields that bring a picture or a video by its URL are called.
constexpr std::string_view kOfMedia[] = {"image", "reference", "mask", "frame", "video"};
// Whatever they say, it is what happens here.
constexpr std::string_view kHarmless[] = {"moderation", "safety_tolerance"};

std::string listed(std::span<const std::string_view> words) {
  return fmt::format("one of {}", join_words(words, ", "));
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

// Null, false and nothing at all inside: the client says that it does not ask for it.
bool is_given(const json& value) {
  return !value.is_null() && value != false && value != "" && !(value.is_array() && value.empty());
}

// Looks at every field that the parser does not read: some must be refused, the others warned of.
Result<std::vector<std::string>> check_other_fields(const json& body, std::string_view no_picture) {
  std::vector<std::string> warnings;
  for (const auto& [name, value] : body.items()) {
    if (is_one_of(kRead, name) || is_one_of(kHarmless, name) || !is_given(value)) continue;
    if (brings_media(name, value)) {
      return fail(ErrorCode::invalid_argument, fmt::format("{}: {}", name, no_picture), name);
    }
    warnings.push_back(fmt::format("{}: not known here and ignored", shown(name)));
  }
  return warnings;
}

// What xAI refuses though it means something here: the words of others, and other spellings.
Result<void> check_xai(const json& body) {
  const auto size = body.find("size");
  if (size != body.end() && !size->is_null())
    return fail(ErrorCode::invalid_argument, "Argument not supported: size", "size");
  TRY(read_word(body, "quality", kXaiQualities));
  TRY(read_word(body, "resolution", kXaiResolutions));
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

// A client that asks for pixels is told when it gets others: a ratio has one size for each
// resolution, and `aspect_ratio` and `resolution` win over `size`.
void add_size_warning(std::string_view asked, const Shape& shape,
                      std::vector<std::string>& warnings) {
  if (asked == "auto") return;
  const auto made = service::picture_size(shape.aspect_ratio, shape.resolution);
  const std::string same = fmt::format("{}x{}", made.width, made.height);
  std::string wanted(asked);
  std::replace_if(
      wanted.begin(), wanted.end(), [](char c) { return c == 'X' || c == '*'; }, 'x');
  if (wanted == same) return;
  warnings.push_back(fmt::format("size: {} was asked for and {} is made", wanted, same));
}

Result<std::optional<std::uint64_t>> read_seed(const json& body) {
  constexpr std::string_view kExpected =
      "an integer from 0 to 9223372036854775807, or -1 for a random one";
  const auto seed = TRY(read_integer(body, "seed", kExpected));
  if (!seed || *seed == -1) return std::nullopt;
  if (*seed < 0) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("seed: expected {}, got {}", kExpected, *seed), "seed");
  }
  return static_cast<std::uint64_t>(*seed);
}

// Two names of one thing: ours, and the one that sglang, vLLM and diffusers have.
Result<std::string_view> one_name_of(const json& body, std::string_view ours,
                                     std::string_view theirs) {
  const auto has = [&](std::string_view name) {
    const auto found = body.find(name);
    return found != body.end() && !found->is_null();
  };
  if (has(ours) && has(theirs) && body[std::string(ours)] != body[std::string(theirs)])
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} and {} mean the same and differ; leave one out", ours, theirs),
                std::string(theirs));
  return has(theirs) ? theirs : ours;
}

// How a picture is made, beyond what xAI's clients can say.
Result<void> read_making(const json& body, const service::Model& model,
                         service::PictureRequest& request) {
  request.seed = TRY(read_seed(body));
  const auto steps_name = TRY(one_name_of(body, "steps", "num_inference_steps"));
  if (const auto steps = TRY(read_integer(body, steps_name, "a whole number"))) {
    request.steps = TRY(service::check_steps(*steps, model));
  }
  const auto guidance_name = TRY(one_name_of(body, "guidance", "guidance_scale"));
  if (const auto guidance = TRY(read_number(body, guidance_name, "a number from 0 to 100"))) {
    request.guidance = TRY(service::check_guidance(*guidance));
  }
  const auto negative = TRY(read_string(body, "negative_prompt", "a string"));
  if (negative && negative->find_first_not_of(" \t\r\n") != std::string::npos) {
    request.negative_prompt = TRY(service::parse_negative_prompt(*negative, model));
  }
  return {};
}

Result<int> read_previews(const json& body) {
  const auto count = TRY(read_integer(body, "partial_images", "an integer from 0 to 3"));
  if (count && (*count < 0 || *count > service::kPreviewsMax))
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("partial_images is {}, expected 0 to {}", *count, service::kPreviewsMax),
        "partial_images");
  return static_cast<int>(count.value_or(0));
}

// The object of this name as `read` takes it; the errors of its members have the name in front.
template <class Value>
Result<std::optional<Value>> read_inside(const json& body, const char* name,
                                         Result<Value> (*read)(const json&)) {
  const auto found = body.find(name);
  if (found == body.end() || found->is_null()) return std::nullopt;
  if (!found->is_object())
    return fail(ErrorCode::unprocessable,
                fmt::format("{}: expected an object, got {}", name, shown(*found)), name);
  auto value = read(*found);
  if (!value) return tl::unexpected(within(name, std::move(value.error())));
  return std::move(*value);
}

// `invalid_argument` for a member of another name.
Result<void> refuse_others(const json& object, std::span<const std::string_view> known) {
  for (const auto& [name, value] : object.items()) {
    if (is_one_of(known, name) || !is_given(value)) continue;
    const std::string shown_name = valid_utf8(name.substr(0, 60));
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: not offered by this server; leave it out", shown_name),
                shown_name);
  }
  return {};
}

Result<service::PublicWish> read_public_life(const json& options) {
  constexpr std::string_view kKnown[] = {"expires_after"};
  TRY(refuse_others(options, kKnown));
  return service::PublicWish{
      .life_s = TRY(read_integer(options, "expires_after", "a whole number of seconds"))};
}

// Whether everybody may see a file: a boolean, or an object that says how long.
Result<std::optional<service::PublicWish>> read_public(const json& options) {
  const auto found = options.find("public_url");
  if (found == options.end() || !found->is_boolean())
    return read_inside(options, "public_url", read_public_life);
  if (!found->get<bool>()) return std::nullopt;
  return service::PublicWish();
}

// xAI's `storage_options` (xai-api.md 1.5): the pictures become files. What is in it and not known
// is refused: whoever asks for it counts on it.
Result<service::FileWish> read_wish(const json& options) {
  constexpr std::string_view kKnown[] = {"filename", "expires_after", "public_url"};
  TRY(refuse_others(options, kKnown));
  service::FileWish wish;
  auto name = TRY(read_string(options, "filename", "a file's name"));
  if (!name)
    return fail(ErrorCode::invalid_argument, "filename: expected a file's name, got none",
                "filename");
  wish.name = std::move(*name);
  wish.life_s = TRY(read_integer(options, "expires_after", "a whole number of seconds"));
  wish.for_everybody = TRY(read_public(options));
  return wish;
}

// xAI's `output` (xai-api.md 1.3).
Result<std::vector<std::string>> read_upload_urls(const json& output) {
  std::vector<std::string> urls;
  for (const auto& [name, value] : output.items()) {
    if (!is_given(value)) continue;
    const std::string shown_name = valid_utf8(name.substr(0, 60));
    if (name != "upload_urls")
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: not offered by this server; leave it out", shown_name),
                  shown_name);
    const bool are_texts = value.is_array() && std::ranges::all_of(value, [](const json& url) {
                             return url.is_string();
                           });
    if (!are_texts)
      return fail(ErrorCode::unprocessable,
                  fmt::format("{}: expected a list of URLs, got {}", name, shown(value)), name);
    urls = value.get<std::vector<std::string>>();
  }
  return urls;
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

Result<std::optional<service::FileWish>> read_storage_options(const json& body) {
  return read_inside(body, "storage_options", read_wish);
}

Result<Shape> parse_size(std::string_view text) {
  if (text == "auto") return Shape{};
  const auto cross = text.find_first_of("xX*");
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
  return Shape{service::nearest_aspect_ratio(width, height),
               std::max(width, height) > 1600 ? Resolution::k2 : Resolution::k1};
}

namespace {

/// `no_picture`: what to say of pictures in other fields.
Result<GenerationCall> read_fields(const json& body, const service::Catalogue& catalogue,
                                   std::string_view no_picture) {
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
  TRY(read_making(body, *model, request));
  if (const auto format = TRY(read_word(body, "output_format", kOutputFormats))) {
    request.format = TRY(image::parse_output_format(*format));
  }
  if (const auto quality =
          TRY(read_integer(body, "output_compression", "an integer from 0 to 100"))) {
    request.file_quality = TRY(service::check_file_quality(*quality));
  }
  request.user = TRY(read_user(body));
  const auto quality = TRY(read_word(body, "quality", kQualities));
  const bool stream = TRY(read_flag(body, "stream"));
  const bool deferred = TRY(read_flag(body, "deferred"));
  request.warnings = TRY(check_other_fields(body, no_picture));
  const int previews = TRY(read_previews(body));
  if (stream) {
    request.previews = previews;
  } else if (previews > 0) {
    request.warnings.push_back("partial_images: has no effect without stream");
  }
  if (const auto size = TRY(read_string(body, "size", "WIDTHxHEIGHT or auto"))) {
    add_size_warning(*size, shape, request.warnings);
  }
  if (quality && quality != "auto" && quality != "standard") {
    request.warnings.push_back(
        "quality: no model here has tiers of it; choose another model instead");
  }
  if (request.file_quality && request.format == image::Format::png) {
    request.warnings.push_back("output_compression: has no effect on PNG, which loses nothing");
  }
  const auto named_form = TRY(read_word(body, "response_format", kResponseFormats));
  if (deferred && (stream || named_form == "b64_json"))
    return fail(ErrorCode::invalid_argument,
                fmt::format("deferred: pictures that are asked for later come as links, not {}",
                            stream ? "as a stream" : "as b64_json"),
                "deferred");
  auto storage = TRY(read_storage_options(body));
  auto upload_urls =
      TRY(read_inside(body, "output", read_upload_urls)).value_or(std::vector<std::string>());
  if (!upload_urls.empty() && (stream || deferred || named_form == "b64_json"))
    return fail(ErrorCode::invalid_argument,
                "output: pictures are sent while their answer is waited for, and told of by their "
                "URLs, so not with stream, deferred or b64_json",
                "output");
  if (storage && (stream || deferred))
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("storage_options: files are told of in the answer itself, so not with {}",
                    stream ? "stream" : "deferred"),
        "storage_options");
  const bool reads_base64 =
      named_form ? named_form == "b64_json" : model_name && model_name->starts_with(kBase64Models);
  return GenerationCall{std::move(request),
                        reads_base64 ? ResponseFormat::b64_json : ResponseFormat::url,
                        stream,
                        deferred,
                        std::move(storage),
                        std::move(upload_urls)};
}

}  // namespace

Result<std::string> read_user(const json& body) {
  for (const char* name : {"user", "safety_identifier"}) {
    auto user = TRY(read_string(body, name, "a string"));
    if (!user || user->empty()) continue;
    if (auto checked = service::check_user(*user); !checked) {
      Error& error = checked.error();
      if (error.field != name) error.message.insert(0, fmt::format("{}: ", name));
      error.field = name;
      return tl::unexpected(std::move(error));
    }
    return std::move(*user);
  }
  return std::string();
}

bool brings_media(std::string_view name, const json& value) {
  if (is_one_of(kPictures, name)) return true;
  if (value.is_array()) return !value.empty() && brings_media(name, value.front());
  if (value.is_object()) {
    return value.contains("url") || value.contains("image_url") || value.contains("file_id") ||
           value.contains("b64_json");
  }
  if (!value.is_string()) return false;
  const auto& text = value.get_ref<const std::string&>();
  const bool is_url = text.starts_with("http://") || text.starts_with("https://");
  const bool speaks_of_it = std::ranges::any_of(kOfMedia, [name](std::string_view word) {
    return name.find(word) != std::string_view::npos;
  });
  return text.starts_with("data:image/") || text.starts_with("data:video/") ||
         (is_url && speaks_of_it);
}

Result<GenerationCall> parse_generation_call(std::string_view text,
                                             const service::Catalogue& catalogue, Dialect dialect) {
  const json body = TRY(parse_json_object(text));
  if (dialect == Dialect::xai) TRY(check_xai(body));
  return read_fields(body, catalogue,
                     "/v1/images/generations reads no pictures and would ignore it; "
                     "/v1/images/edits is for pictures");
}

Result<GenerationCall> read_edit_fields(const json& body, const service::Catalogue& catalogue) {
  return read_fields(body, catalogue,
                     "no picture is read under this name; image, images, reference_images and mask "
                     "are for pictures");
}

}  // namespace imagined::api::wire

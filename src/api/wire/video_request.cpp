#include "api/wire/video_request.h"

#include <fmt/core.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>

#include "api/wire/image_request.h"
#include "api/wire/json.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/words.h"

namespace imagined::api::wire {
namespace {

using nlohmann::json;
using service::VideoRequest;
using service::VideoTask;

constexpr std::string_view kVideoFields[] = {"model",          "prompt",
                                             "duration",       "seconds",
                                             "aspect_ratio",   "resolution",
                                             "seed",           "steps",
                                             "guidance",       "user",
                                             "generate_audio", "storage_options",
                                             "output",         "safety_identifier"};

// What makes another video, or does something with it, and is not done here.
struct RefusedField {
  std::string_view name;
  std::string_view why;
};
constexpr RefusedField kRefused[] = {
    {"reference_images", "a video here begins with one picture, which is image"},
    {"reference_audios", "videos here have no sound"},
    {"last_frame", "a video here is told how it begins, not how it ends"},
    {"keyframes", "a video here is told how it begins, not how it goes on"},
    {"mask", "a video is made as a whole"},
};

bool says_something(const json& value) {
  return !value.is_null() && value != false && value != "" && !(value.is_array() && value.empty());
}

// What an edit or an extension takes from the video that it is given.
bool follows_the_video(std::string_view name, VideoTask task) {
  if (task == VideoTask::generation) return false;
  const bool is_length = name == "duration" || name == "seconds";
  return name == "aspect_ratio" || name == "resolution" || (is_length && task == VideoTask::edit);
}

Result<std::vector<std::string>> check_fields(const json& body, VideoTask task) {
  std::vector<std::string> warnings;
  for (const auto& [name, value] : body.items()) {
    if (!says_something(value)) continue;
    for (const RefusedField& refused : kRefused)
      if (refused.name == name)
        return fail(ErrorCode::invalid_argument,
                    fmt::format("{}: {}; leave it out", name, refused.why), name);
    if (follows_the_video(name, task)) {
      warnings.push_back(fmt::format("{}: that of the given video is kept", name));
    } else if (name == "generate_audio") {
      TRY(read_flag(body, name));
      warnings.push_back("generate_audio: videos here have no sound");
    } else if (!is_one_of(kVideoFields, name) && brings_media(name, value)) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: no picture or video is read under this name; {}", name,
                              task == VideoTask::generation ? "image is what a video begins with"
                                                            : "video is what is given"),
                  name);
    } else if (!is_one_of(kVideoFields, name)) {
      warnings.push_back(fmt::format("{}: not known here and ignored", shown(name)));
    }
  }
  return warnings;
}

// "8" is what LiteLLM and OpenAI's clients write for 8.
Result<std::optional<std::int64_t>> read_seconds(const json& body, std::string_view name) {
  constexpr std::string_view kExpected = "a whole number of seconds";
  const json& value = member(body, name);
  if (!value.is_string()) return read_integer(body, name, kExpected);
  const auto& text = value.get_ref<const std::string&>();
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error == std::errc() && end == text.data() + text.size() && !text.empty()) return seconds;
  return fail(ErrorCode::unprocessable,
              fmt::format("{}: expected {}, got {}", name, kExpected, shown(value)),
              std::string(name));
}

Result<int> read_length(const json& body, VideoTask task) {
  switch (task) {
    case VideoTask::edit:
      return service::kEditedSecondsReserved;
    case VideoTask::extension:
    case VideoTask::generation:
      break;
  }
  auto seconds = TRY(read_seconds(body, "duration"));
  if (!seconds) seconds = TRY(read_seconds(body, "seconds"));
  if (seconds) return service::check_video_seconds(*seconds, task);
  return task == VideoTask::extension ? service::kExtensionSecondsDefault
                                      : service::kVideoSecondsDefault;
}

// A picture may say enough; everything else is made of words.
Result<service::Prompt> read_words(const json& body, bool has_picture, int max_code_points) {
  const auto text = TRY(read_string(body, "prompt", "a string"));
  if (has_picture && (!text || text->empty())) return service::Prompt::trusted({});
  if (!text)
    return fail(ErrorCode::invalid_argument, "prompt: expected a string, got none", "prompt");
  return service::Prompt::parse(*text, max_code_points);
}

Result<std::optional<GivenPicture>> read_given(json& body, JsonPictures& pictures,
                                               std::string_view field) {
  const json value = take_member(body, field);
  if (!says_something(value)) return std::nullopt;
  auto given = pictures.read(value, field, "the image");
  if (given) return std::move(*given);
  Error error = service::about_given(std::move(given.error()), field);
  return tl::unexpected(std::move(error));
}

Result<std::optional<std::uint64_t>> read_video_seed(const json& body) {
  constexpr std::string_view kExpected =
      "an integer from 0 to 9223372036854775807, or -1 for a random one";
  const auto seed = TRY(read_integer(body, "seed", kExpected));
  if (!seed || *seed == -1) return std::nullopt;
  if (*seed < 0)
    return fail(ErrorCode::invalid_argument,
                fmt::format("seed: expected {}, got {}", kExpected, *seed), "seed");
  return static_cast<std::uint64_t>(*seed);
}

// xAI's `output` (xai-api.md 1.7); empty: it is not given.
Result<std::string> read_upload_url(const json& body) {
  const json& output = member(body, "output");
  if (!says_something(output)) return std::string();
  if (!output.is_object())
    return fail(ErrorCode::unprocessable,
                fmt::format("output: expected an object, got {}", shown(output)), "output");
  for (const auto& [name, value] : output.items())
    if (name != "upload_url" && says_something(value))
      return fail(ErrorCode::invalid_argument,
                  fmt::format("output.{}: not known of a video; upload_url is", shown(name)),
                  "output");
  const json& url = member(output, "upload_url");
  if (!says_something(url)) return std::string();
  if (url.is_string()) return url.get<std::string>();
  return fail(ErrorCode::unprocessable,
              fmt::format("output.upload_url: expected a URL, got {}", shown(url)),
              "output.upload_url");
}

// Who asks for a video by a name that is unknown is told what makes videos, not all that there is.
Result<const service::Model*> read_model(std::string_view name, const service::Catalogue& catalogue,
                                         const std::vector<std::string>& makers) {
  auto found = catalogue.resolve(name);
  const bool unknown = !found && found.error().code == ErrorCode::not_found &&
                       !catalogue.deprecated(name) && !catalogue.id_of(name);
  if (!unknown) return found;
  const std::vector<std::string_view> names(makers.begin(), makers.end());
  const std::string who = join_words(makers, ", ");
  return fail(ErrorCode::not_found,
              fmt::format("the model \"{}\" does not exist; {}{}", name,
                          makers.empty() ? "no model that is ready here makes videos"
                                         : fmt::format("videos are made by {} here", who),
                          did_you_mean(name, names)),
              "model");
}

Result<VideoRequest> read_request(const json& body, VideoTask task, bool has_picture,
                                  const service::Model& model) {
  service::Prompt prompt = TRY(read_words(body, has_picture, model.max_prompt_length));
  VideoRequest request{.frames = {.model = model.id, .prompt = std::move(prompt)}, .task = task};
  request.seconds = TRY(read_length(body, task));
  const auto ratio = TRY(read_string(body, "aspect_ratio", "a ratio such as 16:9"));
  if (ratio && *ratio != "auto" && task == VideoTask::generation)
    request.frames.aspect_ratio = TRY(service::parse_video_aspect_ratio(*ratio));
  const auto resolution = TRY(read_string(body, "resolution", "480p or 720p"));
  if (resolution && task == VideoTask::generation)
    request.resolution = TRY(service::parse_video_resolution(*resolution));
  request.storage = TRY(read_storage_options(body));
  request.upload_url = TRY(read_upload_url(body));
  request.frames.seed = TRY(read_video_seed(body));
  if (const auto steps = TRY(read_integer(body, "steps", "a whole number")))
    request.frames.steps = TRY(service::check_steps(*steps, model));
  if (const auto guidance = TRY(read_number(body, "guidance", "a number from 0 to 100")))
    request.frames.guidance = TRY(service::check_guidance(*guidance));
  request.frames.user = TRY(read_user(body));
  return request;
}

}  // namespace

Result<VideoCall> VideoBody::finish(const service::Catalogue& catalogue,
                                    const service::Model& usual,
                                    const std::vector<std::string>& makers) {
  json body = TRY(json_.object());
  auto image = TRY(read_given(body, json_, "image"));
  auto reference = TRY(read_given(body, json_, "input_reference"));
  if (image && reference)
    return fail(ErrorCode::invalid_argument,
                "input_reference: another name of image, which is given too", "input_reference");
  if (!image) image = std::move(reference);
  auto video = TRY(read_given(body, json_, "video"));
  if (task_ == VideoTask::generation && video)
    return fail(ErrorCode::invalid_argument,
                "video: /v1/videos/extensions goes on from a video, /v1/videos/edits changes one",
                "video");
  if (task_ != VideoTask::generation && image)
    return fail(ErrorCode::invalid_argument,
                "image: only /v1/videos/generations begins with a picture", "image");
  if (task_ != VideoTask::generation && !video)
    return fail(ErrorCode::invalid_argument, "video: expected a video, got none", "video");
  const auto model_name = TRY(read_string(body, "model", "the name of a model"));
  const service::Model* model =
      model_name ? TRY(read_model(*model_name, catalogue, makers)) : &usual;
  std::vector<std::string> warnings = TRY(check_fields(body, task_));
  auto request = TRY(read_request(body, task_, image.has_value(), *model));
  request.frames.warnings = std::move(warnings);
  return VideoCall{
      .request = std::move(request), .image = std::move(image), .video = std::move(video)};
}

}  // namespace imagined::api::wire

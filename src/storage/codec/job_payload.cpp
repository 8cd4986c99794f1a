#include "storage/codec/job_payload.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/check.h"

namespace imagined::storage {
namespace {

using nlohmann::json;
using service::EditRequest;
using service::PictureRequest;
using service::VideoRequest;

// Each row is of the oldest version that makes the same pictures of it, so that workers of the
// program of before go on with what they can. 2: with a negative prompt; 3: with a file quality. Of
// videos 2: one that becomes a file; 3: one that is sent somewhere.
constexpr int kPlainVersion = 1;
constexpr int kNegativeVersion = 2;
constexpr int kPicturesVersion = 3;
constexpr int kEditsVersion = 3;
constexpr int kPlainVideosVersion = 1;
constexpr int kKeptVideosVersion = 2;
constexpr int kVideosVersion = 3;

int version_of(const service::JobPayload& payload) {
  if (const auto* video = std::get_if<VideoRequest>(&payload))
    return !video->upload_url.empty() ? kVideosVersion
           : video->storage           ? kKeptVideosVersion
                                      : kPlainVideosVersion;
  const PictureRequest& request = wanted_pictures(payload);
  if (request.file_quality) return kPicturesVersion;
  return request.negative_prompt ? kNegativeVersion : kPlainVersion;
}

tl::unexpected<Error> unreadable(std::string why) {
  return fail(ErrorCode::data_loss, "what was asked for cannot be read", {}, std::move(why));
}

/// Fields of a stored object. The first that is not what it must be is remembered, so that a
/// decoder reads all of them and asks once.
class Fields {
 public:
  explicit Fields(const json& object) : object_(object) {}

  std::string text(const char* name) {
    const json* value = find(name, &json::is_string);
    return value == nullptr ? std::string() : value->get<std::string>();
  }
  std::int64_t integer(const char* name, std::int64_t min, std::int64_t max) {
    const json* value = find(name, &json::is_number_integer);
    if (value == nullptr) return min;
    // An unsigned number beyond int64 comes out negative, so it is out of every range of ours.
    const auto number = value->get<std::int64_t>();
    if (number < min || number > max) spoil(name);
    return number;
  }
  std::optional<std::uint64_t> optional_unsigned(const char* name) {
    if (!object_.contains(name) || object_[name].is_null()) return std::nullopt;
    const json* value = find(name, &json::is_number_unsigned);
    return value == nullptr ? 0 : value->get<std::uint64_t>();
  }
  std::optional<int> optional_integer(const char* name) {
    if (!has(name)) return std::nullopt;
    return static_cast<int>(integer(name, 0, std::numeric_limits<int>::max()));
  }
  std::optional<float> optional_number(const char* name) {
    if (!has(name)) return std::nullopt;
    const json* value = find(name, &json::is_number);
    return value == nullptr ? 0 : value->get<float>();
  }
  std::optional<service::Prompt> optional_prompt(const char* name) {
    if (!has(name)) return std::nullopt;
    return service::Prompt::trusted(text(name));
  }
  bool optional_flag(const char* name) {
    if (!has(name)) return false;
    const json* value = find(name, &json::is_boolean);
    return value != nullptr && value->get<bool>();
  }
  bool has(const char* name) const { return object_.contains(name); }
  std::vector<std::string> texts(const char* name) {
    const json* value = find(name, &json::is_array);
    if (value == nullptr) return {};
    if (std::ranges::all_of(*value, &json::is_string))
      return value->get<std::vector<std::string>>();
    spoil(name);
    return {};
  }
  std::vector<std::string> optional_texts(const char* name) {
    return has(name) ? texts(name) : std::vector<std::string>();
  }
  /// A word that `parse` knows.
  template <class Parse>
  auto word(const char* name, Parse parse) {
    auto value = parse(text(name));
    if (!value) spoil(name);
    return value ? *value : std::remove_cvref_t<decltype(*value)>{};
  }

  const std::string& broken() const { return broken_; }

 private:
  using Is = bool (json::*)() const noexcept;
  const json* find(const char* name, Is is) {
    const auto found = object_.find(name);
    if (found != object_.end() && ((*found).*is)()) return &*found;
    spoil(name);
    return nullptr;
  }
  void spoil(const char* name) {
    if (broken_.empty()) broken_ = name;
  }

  const json& object_;
  std::string broken_;
};

json encode(const PictureRequest& request) {
  json object = {{"model", request.model},
                 {"prompt", request.prompt.text()},
                 {"count", request.count},
                 {"aspect_ratio", service::to_string(request.aspect_ratio)},
                 {"resolution", service::to_string(request.resolution)},
                 {"format", image::to_string(request.format)},
                 {"user", request.user}};
  if (request.seed) object["seed"] = *request.seed;
  if (request.labelled) object["labelled"] = true;
  if (request.previews > 0) object["previews"] = request.previews;
  if (request.steps) object["steps"] = *request.steps;
  if (request.guidance) object["guidance"] = *request.guidance;
  if (request.negative_prompt) object["negative_prompt"] = request.negative_prompt->text();
  if (request.file_quality) object["file_quality"] = *request.file_quality;
  if (!request.warnings.empty()) object["warnings"] = request.warnings;
  return object;
}

json encode(const EditRequest& request) {
  json object = encode(request.pictures);
  object["references"] = request.references;
  if (!request.mask.empty()) object["mask"] = request.mask;
  return object;
}

json encode(const VideoRequest& request) {
  const PictureRequest& frames = request.frames;
  json object = {{"model", frames.model},
                 {"prompt", frames.prompt.text()},
                 {"aspect_ratio", service::to_string(frames.aspect_ratio)},
                 {"user", frames.user},
                 {"task", service::to_string(request.task)},
                 {"seconds", request.seconds},
                 {"resolution", service::to_string(request.resolution)}};
  if (frames.seed) object["seed"] = *frames.seed;
  if (frames.labelled) object["labelled"] = true;
  if (frames.steps) object["steps"] = *frames.steps;
  if (frames.guidance) object["guidance"] = *frames.guidance;
  if (!request.image.empty()) object["image"] = request.image;
  if (!request.video.empty()) object["video"] = request.video;
  if (request.storage) {
    object["file_name"] = request.storage->name;
    if (const auto life_s = request.storage->life_s) object["file_life_s"] = *life_s;
    if (const auto& everybody = request.storage->for_everybody) {
      object["file_public"] = true;
      if (everybody->life_s) object["file_public_life_s"] = *everybody->life_s;
    }
  }
  if (!request.upload_url.empty()) object["upload_url"] = request.upload_url;
  if (!frames.warnings.empty()) object["warnings"] = frames.warnings;
  return object;
}

std::optional<service::FileWish> read_file_wish(Fields& fields) {
  if (!fields.has("file_name")) return std::nullopt;
  const auto life_s = [&fields](const char* name) -> std::optional<std::int64_t> {
    if (!fields.has(name)) return std::nullopt;
    return fields.integer(name, 0, std::numeric_limits<std::int64_t>::max());
  };
  service::FileWish wish{.name = fields.text("file_name"), .life_s = life_s("file_life_s")};
  if (fields.optional_flag("file_public"))
    wish.for_everybody = service::PublicWish{.life_s = life_s("file_public_life_s")};
  return wish;
}

PictureRequest read_pictures(Fields& fields) {
  return {.model = fields.text("model"),
          .prompt = service::Prompt::trusted(fields.text("prompt")),
          .count = static_cast<int>(fields.integer("count", 1, service::kPictureCountMax)),
          .aspect_ratio = fields.word("aspect_ratio", service::parse_aspect_ratio),
          .resolution = fields.word("resolution", service::parse_resolution),
          .seed = fields.optional_unsigned("seed"),
          .steps = fields.optional_integer("steps"),
          .guidance = fields.optional_number("guidance"),
          .negative_prompt = fields.optional_prompt("negative_prompt"),
          .format = fields.word("format", image::parse_output_format),
          .file_quality = fields.optional_integer("file_quality"),
          .previews = static_cast<int>(
              fields.has("previews") ? fields.integer("previews", 0, service::kPreviewsMax) : 0),
          .labelled = fields.optional_flag("labelled"),
          .user = fields.text("user"),
          .warnings = fields.optional_texts("warnings")};
}

Result<service::JobPayload> decode_pictures(const json& object) {
  Fields fields(object);
  PictureRequest request = read_pictures(fields);
  if (!fields.broken().empty()) return unreadable(fmt::format("field {}", fields.broken()));
  return request;
}

Result<service::JobPayload> decode_edits(const json& object) {
  Fields fields(object);
  EditRequest request{.pictures = read_pictures(fields), .references = {}, .mask = {}};
  request.references = fields.texts("references");
  if (fields.has("mask")) request.mask = fields.text("mask");
  if (!fields.broken().empty()) return unreadable(fmt::format("field {}", fields.broken()));
  return request;
}

Result<service::JobPayload> decode_videos(const json& object) {
  Fields fields(object);
  VideoRequest request{
      .frames = {.model = fields.text("model"),
                 .prompt = service::Prompt::trusted(fields.text("prompt")),
                 .aspect_ratio = fields.word("aspect_ratio", service::parse_aspect_ratio),
                 .seed = fields.optional_unsigned("seed"),
                 .steps = fields.optional_integer("steps"),
                 .guidance = fields.optional_number("guidance"),
                 .negative_prompt = {},
                 .labelled = fields.optional_flag("labelled"),
                 .user = fields.text("user"),
                 .warnings = fields.optional_texts("warnings")},
      .task = fields.word("task", service::parse_video_task),
      .seconds = static_cast<int>(fields.integer("seconds", 1, service::kVideoSecondsMax)),
      .resolution = fields.word("resolution", service::parse_video_resolution),
      .image = {},
      .video = {},
      .storage = {},
      .upload_url = {}};
  if (fields.has("image")) request.image = fields.text("image");
  if (fields.has("video")) request.video = fields.text("video");
  request.storage = read_file_wish(fields);
  if (fields.has("upload_url")) request.upload_url = fields.text("upload_url");
  if (!fields.broken().empty()) return unreadable(fmt::format("field {}", fields.broken()));
  return request;
}

}  // namespace

StoredPayload encode_payload(const service::JobPayload& payload) {
  const json object = std::visit([](const auto& request) { return encode(request); }, payload);
  const service::JobKind kind = service::kind_of(payload);
  return {.kind = std::string(to_string(kind)),
          .version = version_of(payload),
          // A customer's word for its user may be any bytes; the prompt was checked.
          .text = object.dump(-1, ' ', false, json::error_handler_t::replace)};
}

Result<service::JobPayload> decode_payload(const StoredPayload& stored) {
  const auto kind = service::parse_job_kind(stored.kind);
  if (!kind) return unreadable(fmt::format("kind \"{}\"", stored.kind));
  if (stored.version < 1 || stored.version > newest_payload_version(*kind))
    return unreadable(fmt::format("version {} of kind \"{}\"", stored.version, stored.kind));
  const json object = json::parse(stored.text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return unreadable("not a JSON object");
  switch (*kind) {
    case service::JobKind::pictures:
      return decode_pictures(object);
    case service::JobKind::edits:
      return decode_edits(object);
    case service::JobKind::videos:
      return decode_videos(object);
  }
  CHECK(false, "no decoder for kind {}", stored.kind);
}

int newest_payload_version(service::JobKind kind) {
  switch (kind) {
    case service::JobKind::pictures:
      return kPicturesVersion;
    case service::JobKind::edits:
      return kEditsVersion;
    case service::JobKind::videos:
      return kVideosVersion;
  }
  CHECK(false, "no job kind {}", static_cast<int>(kind));
}

std::string encode_texts(std::span<const std::string> texts) {
  return json(std::vector<std::string>(texts.begin(), texts.end()))
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace imagined::storage

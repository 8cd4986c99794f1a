#include "api/wire/json_pictures.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "api/wire/json.h"
#include "base/crypto.h"
#include "base/json.h"

namespace imagined::api::wire {
namespace {

using nlohmann::json;
using service::kUploadBytesMax;

/// Of `{"file_id": "..."}`; empty for anything else.
std::string file_id_of(const json& value) {
  return value.is_object() ? string_in(value, "file_id") : std::string();
}

Result<std::string> text_of(const json& value, std::string_view field, std::string_view name) {
  if (value.is_string()) return value.get<std::string>();
  const auto wrong = [&] {
    return fail(ErrorCode::unprocessable,
                fmt::format("{}: expected a URL, base64, or an object with \"url\" or \"file_id\", "
                            "got {}",
                            name, shown(value)),
                std::string(field));
  };
  if (!value.is_object()) return wrong();
  for (const char* key : {"url", "image_url", "b64_json"}) {
    const auto found = value.find(key);
    if (found == value.end() || found->is_null()) continue;
    return found->is_object()   ? text_of(*found, field, name)
           : found->is_string() ? Result<std::string>(found->get<std::string>())
                                : wrong();
  }
  return wrong();
}

}  // namespace

bool is_web_url(std::string_view text) {
  const auto begins = [&](std::string_view scheme) {
    return text.size() >= scheme.size() &&
           std::equal(scheme.begin(), scheme.end(), text.begin(), [](char a, char b) {
             return a == (b >= 'A' && b <= 'Z' ? b - 'A' + 'a' : b);
           });
  };
  return begins("http://") || begins("https://");
}

Result<GivenPicture> read_picture_text(std::string_view text, UploadSink& sink) {
  if (is_web_url(text)) return GivenPicture{.url = std::string(text)};
  PictureText picture(sink);
  TRY(picture.take(text));
  std::string upload = TRY(picture.end());
  return GivenPicture{.upload = std::move(upload)};
}

Result<void> Uploads::begin() {
  bytes_ = 0;
  return ++count_ <= kKept ? sink_.begin() : Result<void>();
}

Result<void> Uploads::upload(std::string_view bytes) {
  bytes_ += bytes.size();
  all_bytes_ += bytes.size();
  if (bytes_ > kUploadBytesMax)
    return fail(ErrorCode::payload_too_large,
                fmt::format("the image has more than {} bytes, which is the most", kUploadBytesMax),
                "image");
  if (all_bytes_ > kUploadsBytesMax)
    return fail(ErrorCode::payload_too_large,
                fmt::format("the pictures have more than {} bytes together, which is the most",
                            kUploadsBytesMax),
                "image");
  return count_ <= kKept ? sink_.upload(bytes) : Result<void>();
}

Result<std::string> Uploads::end() { return count_ <= kKept ? sink_.end() : std::string(); }

Result<json> JsonPictures::object() const { return parse_json_object(strings_.text()); }

Result<GivenPicture> JsonPictures::read(const json& value, std::string_view field,
                                        std::string_view name) {
  if (std::string id = file_id_of(value); !id.empty())
    return GivenPicture{.file_id = std::move(id)};
  const std::string text = TRY(text_of(value, field, name));
  if (const auto found = names_.find(text); found != names_.end()) {
    if (!found->second.empty()) return GivenPicture{.upload = found->second};
    return fail(ErrorCode::invalid_argument,
                fmt::format("the body has more than {} pictures", Uploads::kKept),
                std::string(field));
  }
  return read_picture_text(text, uploads_);
}

Result<void> JsonPictures::begin_string() {
  picture_.emplace(uploads_);
  return {};
}

Result<void> JsonPictures::string_text(std::string_view text) {
  auto taken = picture_->take(text);
  if (!taken)
    return tl::unexpected(
        service::about_picture(std::move(taken.error()), "a picture of the body"));
  return taken;
}

Result<std::string> JsonPictures::end_string() {
  std::string upload = TRY(picture_->end());
  picture_.reset();
  std::string name = random_base62(22);  // nobody can have written it
  names_.emplace(name, std::move(upload));
  return name;
}

json take_member(json& object, std::string_view name) {
  const auto found = object.find(name);
  if (found == object.end()) return nullptr;
  json value = std::move(*found);
  object.erase(found);
  return value;
}

}  // namespace imagined::api::wire

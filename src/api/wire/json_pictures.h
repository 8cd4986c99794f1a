// JSON bodies that hold pictures or videos, or say where they are: what they hold goes to a sink on
// the way, and only what is left is held.
#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "api/wire/long_strings.h"
#include "api/wire/picture_text.h"
#include "api/wire/upload_sink.h"
#include "base/result.h"
#include "service/pictures/edit_request.h"

namespace imagined::api::wire {

inline constexpr std::size_t kUploadsBytesMax = 64u << 20;  // all of a request's

/// A picture or a video that a request gives, in one of four ways.
struct GivenPicture {
  std::string upload;      // with it: its name, or
  std::string url;         // to be fetched, or
  std::string file_id;     // kept here, or
  std::string picture_id;  // made here

  bool operator==(const GivenPicture&) const = default;
};

bool is_web_url(std::string_view text);
/// A text that is a picture, or says where one is: a URL, a data URL or base64.
Result<GivenPicture> read_picture_text(std::string_view text, UploadSink& sink);

/// Counts what goes into a sink, picture by picture. Of more than any request may have nothing is
/// kept, and their names are empty.
class Uploads final : public UploadSink {
 public:
  static constexpr int kKept = service::kReferencesMax + 1;  // and a mask

  explicit Uploads(UploadSink& sink) : sink_(sink) {}

  Result<void> begin() override;
  Result<void> upload(std::string_view bytes) override;
  Result<std::string> end() override;

 private:
  UploadSink& sink_;
  int count_ = 0;
  std::size_t bytes_ = 0;
  std::size_t all_bytes_ = 0;
};

class JsonPictures final : private LongStringSink {
 public:
  /// `sink` must outlive it.
  explicit JsonPictures(UploadSink& sink) : uploads_(sink), strings_(*this) {}

  Result<void> feed(std::string_view bytes) { return strings_.feed(bytes); }
  /// All that came, a name in the place of what was taken out.
  Result<nlohmann::json> object() const;

  /// `"..."`, `{"url": "..."}`, `{"image_url": "..."}`, `{"image_url": {"url": "..."}}` or
  /// `{"file_id": "..."}`. Errors are about "the image"; `unprocessable` for another type, with
  /// `name` and `field`.
  Result<GivenPicture> read(const nlohmann::json& value, std::string_view field,
                            std::string_view name);

 private:
  Result<void> begin_string() override;
  Result<void> string_text(std::string_view text) override;
  Result<std::string> end_string() override;

  Uploads uploads_;
  LongStrings strings_;
  std::optional<PictureText> picture_;
  std::map<std::string, std::string, std::less<>> names_;  // of uploads, by what stands for them
};

/// The member, taken out of the object; null where there is none.
nlohmann::json take_member(nlohmann::json& object, std::string_view name);

}  // namespace imagined::api::wire

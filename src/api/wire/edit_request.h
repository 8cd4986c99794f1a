// The body of POST /v1/images/edits, in both forms that clients send, read as it arrives: pictures
// go to a sink on the way, and only what is left is held.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/wire/image_request.h"
#include "api/wire/json_pictures.h"
#include "base/result.h"
#include "service/catalogue/catalogue.h"
#include "service/pictures/edit_request.h"

namespace imagined::api::wire {

inline constexpr std::size_t kEditBodyBytesMax = 96u << 20;  // 64 MiB of files, as base64
struct EditCall {
  GenerationCall fields;  // what an edit has in common with a generation
  /// At least one, in the order in which they came. What comes behind service::kReferencesMax is
  /// counted and not kept: whoever takes them refuses so many (taking.h).
  std::vector<GivenPicture> references;
  std::optional<GivenPicture> mask;
};

class EditBody {
 public:
  virtual ~EditBody() = default;
  virtual Result<void> feed(std::string_view bytes) = 0;
  /// After the last byte. Pictures: `image`, `images` and `reference_images`, each one picture or a
  /// list, a picture an object with `url` or `file_id` or a text that is a URL, a data URL or
  /// base64; `mask` likewise. Other fields as `parse_generation_call`. Errors name the field or the
  /// picture
  /// ("image 2"); the codes are the same, and `payload_too_large` above a limit of bytes.
  virtual Result<EditCall> finish(const service::Catalogue& catalogue) = 0;
};

/// `application/json`. `sink` must outlive the body.
std::unique_ptr<EditBody> make_json_edit(UploadSink& sink);

/// `multipart/form-data` as OpenAI's clients send it: a part is a picture because of its name
/// (`image`, `image[]`, `image[0]`, `images[]`, `image[url]`, `url`, `image[file_id]`, `mask`), in
/// any order; an empty part, and n = 0, mean "not given". Without `response_format` the reply has
/// both forms.
Result<std::unique_ptr<EditBody>> make_multipart_edit(std::string_view content_type,
                                                      UploadSink& sink);

}  // namespace imagined::api::wire

// The body of POST /v1/files, read as it arrives: the file goes to a sink.
#pragma once

#include <memory>
#include <string_view>

#include "api/wire/upload_sink.h"
#include "base/result.h"
#include "service/files/file_service.h"
#include "service/pictures/edit_request.h"

namespace imagined::api::wire {

inline constexpr std::size_t kFileBodyBytesMax = service::kUploadBytesMax + 64 * 1024;

class FileBody {
 public:
  virtual ~FileBody() = default;
  virtual Result<void> feed(std::string_view bytes) = 0;
  /// After the last byte: the part `file`, which must have a file name, and `expires_after`, a
  /// number of seconds or OpenAI's `expires_after[anchor]` and `expires_after[seconds]`. Other
  /// parts are passed over. `payload_too_large` above service::kUploadBytesMax.
  virtual Result<service::NewFile> finish() = 0;
};

/// `multipart/form-data`. `sink` must outlive the body.
Result<std::unique_ptr<FileBody>> make_file_body(std::string_view content_type, UploadSink& sink);

}  // namespace imagined::api::wire

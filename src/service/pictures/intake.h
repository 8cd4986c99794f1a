// Pictures that customers give, on their way to blobs: with a request, behind a URL, once made
// here, or kept as a file. Nobody looks at them here; a worker decodes them.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "service/accounts/caller.h"
#include "service/files/file_service.h"
#include "service/pictures/image_service.h"
#include "service/ports/blob_store.h"
#include "service/ports/remote_pictures.h"

namespace imagined::service {

inline constexpr std::size_t kFetchBytesMax = 10u << 20;  // one picture behind a URL
inline constexpr std::chrono::seconds kFetchTime{5};      // all URLs of one request

/// Any thread may call it; every call may block.
class Intake {
 public:
  /// The references must outlive it.
  Intake(BlobStore& blobs, RemotePictures& web, ImageService& images, FileService& files)
      : blobs_(blobs), web_(web), images_(images), files_(files) {}

  /// For the bytes of one picture or video. `storage_full` when there is no room for new work.
  Result<std::unique_ptr<BlobWriter>> begin(const Caller& caller);

  /// The blob of the picture behind a URL; errors as those of `RemotePictures::fetch`.
  Result<std::string> fetch(const Caller& caller, std::string_view url,
                            std::chrono::steady_clock::time_point deadline,
                            std::size_t bytes_max = kFetchBytesMax);

  /// The blob of a picture that was made here, when it is the caller's team's: whoever has a link
  /// may look, not make more of it. `invalid_argument` for another team's.
  Result<std::string> take(const Caller& caller, const LinkedPicture& made_here);
  /// The same by the picture's name, which only its team can make use of.
  Result<std::string> take(const Caller& caller, std::string_view picture_id);

  /// The blob of a file that everybody may fetch. `invalid_argument` when there is none.
  Result<std::string> take_public(const Caller& caller, std::string_view public_name);
  /// The blob of one of the team's files. `invalid_argument` when there is none of that id.
  Result<std::string> take_file(const Caller& caller, std::string_view file_id);

 private:
  BlobStore& blobs_;
  RemotePictures& web_;
  ImageService& images_;
  FileService& files_;
};

}  // namespace imagined::service

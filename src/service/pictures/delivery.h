#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "service/accounts/caller.h"
#include "service/pictures/image_service.h"
#include "service/ports/remote_pictures.h"

namespace imagined::service {

inline constexpr std::chrono::seconds kDeliveryTime{30};  // all pictures of one request

/// Finished pictures and videos on their way to where their customer wants them (xAI's `output`).
/// Any thread may call it; calls block.
class Delivery {
 public:
  /// The references must outlive it.
  Delivery(ImageService& images, RemotePictures& web) : images_(images), web_(web) {}

  /// Before the work: `invalid_argument`, field "output.upload_urls", unless there is an address
  /// for each picture that something may be sent to.
  Result<void> check(std::span<const std::string> urls, int pictures) const;

  /// The same for a video, field "output.upload_url".
  Result<void> check(std::string_view url) const;

  /// Sends the file of a picture there. The same again does no harm.
  Result<void> put(const Caller& caller, const StoredPicture& picture, std::string_view url,
                   std::chrono::steady_clock::time_point deadline);
  /// The same, unless this server remembers that it has done so: whoever waits for a video looks at
  /// it again and again.
  Result<void> put_once(const Caller& caller, const StoredPicture& picture, std::string_view url,
                        std::chrono::steady_clock::time_point deadline);

 private:
  static constexpr std::size_t kRememberedMax = 10'000;

  ImageService& images_;
  RemotePictures& web_;
  std::mutex mutex_;
  std::deque<std::string> sent_;  // ids of pictures, the last ones
};

}  // namespace imagined::service

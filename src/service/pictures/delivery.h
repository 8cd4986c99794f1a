#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "service/accounts/caller.h"
#include "service/pictures/image_service.h"
#include "service/ports/remote_pictures.h"

namespace imagined::service {

inline constexpr std::chrono::seconds kDeliveryTime{30};  // all pictures of one request

/// Finished pictures on their way to where their customer wants them (xAI's `output.upload_urls`).
/// Any thread may call it; calls block.
class Delivery {
 public:
  /// The references must outlive it.
  Delivery(ImageService& images, RemotePictures& web) : images_(images), web_(web) {}

  /// Before the work: `invalid_argument`, field "output.upload_urls", unless there is an address
  /// for each picture that something may be sent to.
  Result<void> check(std::span<const std::string> urls, int pictures) const;

  /// Sends the file of a picture there. The same again does no harm.
  Result<void> put(const Caller& caller, const StoredPicture& picture, std::string_view url,
                   std::chrono::steady_clock::time_point deadline);

 private:
  ImageService& images_;
  RemotePictures& web_;
};

}  // namespace imagined::service

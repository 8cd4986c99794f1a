#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "service/accounts/caller.h"
#include "service/pictures/image_service.h"
#include "service/pictures/upload_line.h"
#include "service/ports/remote_pictures.h"

namespace imagined::service {

inline constexpr std::chrono::seconds kDeliveryTime{30};  // all pictures of one request
/// Until its turn: twice as long as those before it may take, who send at the same time.
inline constexpr std::chrono::seconds kDeliveryWait{60};

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

  /// Where a request waits for its turn to send its pictures: so many of a team send at a time, so
  /// that dead addresses of one do not hold up all. See UploadLine::enter.
  std::unique_ptr<UploadLine::Place> wait_in_line(const Caller& caller,
                                                  std::function<void()> told) {
    return line_.enter(caller.owner, std::move(told));
  }
  /// What is said of pictures whose turn has not come within `kDeliveryWait`.
  static Result<void> too_many();

  /// Sends the file of a picture there. The same again does no harm.
  Result<void> put(const Caller& caller, const StoredPicture& picture, std::string_view url,
                   std::chrono::steady_clock::time_point deadline);
  /// Starts work elsewhere and does not wait for it.
  using Starter = std::function<void(std::function<void()>)>;
  /// What became of sending it, once and for all; nothing while that is still to come. Whoever
  /// waits for a video looks at it again and again: the first look starts the upload, and so does
  /// a later one where the team had too many under way. Does not block.
  std::optional<Result<void>> put_once(const Caller& caller, const StoredPicture& picture,
                                       std::string_view url, const Starter& start);

 private:
  struct Upload {
    Owner owner;
    std::optional<Result<void>> outcome;  // none: under way
  };
  static constexpr std::size_t kRememberedMax = 10'000;
  // One dead address does not hold up all teams: of eight threads (`upload_threads`).
  static constexpr int kUploadsOfTeamMax = 2;  // videos
  static constexpr int kSendersOfTeamMax = 4;  // requests for pictures

  ImageService& images_;
  RemotePictures& web_;
  UploadLine line_{kSendersOfTeamMax};
  std::mutex mutex_;
  std::map<std::string, Upload> uploads_;  // by id of the picture, the last ones
  std::deque<std::string> order_;          // of their beginning
};

}  // namespace imagined::service

#include "service/pictures/delivery.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.h"

namespace imagined::service {
namespace {

constexpr const char* kUploadUrls = "output.upload_urls";

}  // namespace

Result<void> Delivery::check(std::span<const std::string> urls, int pictures) const {
  if (std::ssize(urls) != pictures)
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} has {} addresses for {} pictures; one for each is needed",
                            kUploadUrls, urls.size(), pictures),
                kUploadUrls);
  for (std::size_t i = 0; i < urls.size(); ++i) {
    auto checked = web_.check(urls[i]);
    if (!checked)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}[{}]: {}", kUploadUrls, i, checked.error().message), kUploadUrls,
                  std::move(checked.error().detail));
  }
  return {};
}

Result<void> Delivery::check(std::string_view url) const {
  constexpr const char* kUploadUrl = "output.upload_url";
  auto checked = web_.check(url);
  if (checked) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: {}", kUploadUrl, checked.error().message), kUploadUrl,
              std::move(checked.error().detail));
}

Result<void> Delivery::put(const Caller& caller, const StoredPicture& picture, std::string_view url,
                           std::chrono::steady_clock::time_point deadline) {
  const PictureFile file = TRY(images_.read_picture(caller, picture.id));
  auto sent = web_.put(url, file.bytes, mime_type(picture.format), deadline);
  if (sent) return sent;
  log(LogLevel::info, "picture_not_delivered", "id={} reason={:?}", picture.id,
      sent.error().detail.empty() ? sent.error().message : sent.error().detail);
  return fail(
      ErrorCode::unavailable,
      fmt::format("the {} could not be sent to its upload URL: {}",
                  picture.format == FileFormat::mp4 ? "video" : "picture", sent.error().message));
}

Result<void> Delivery::too_many() {
  return fail(ErrorCode::resource_exhausted,
              fmt::format("the picture could not be sent to its upload URL: {} requests of a team "
                          "send theirs at a time, and its turn has not come within {} s",
                          kSendersOfTeamMax, kDeliveryWait.count()));
}

std::optional<Result<void>> Delivery::put_once(const Caller& caller, const StoredPicture& picture,
                                               std::string_view url, const Starter& start) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = uploads_.find(picture.id); known != uploads_.end())
      return known->second.outcome;
    const auto same_team = [&](const auto& entry) {
      return !entry.second.outcome && may_see(caller, entry.second.owner);
    };
    if (std::ranges::count_if(uploads_, same_team) >= kUploadsOfTeamMax) return std::nullopt;
    order_.push_back(picture.id);
    uploads_.emplace(picture.id, Upload{.owner = caller.owner});
  }
  const auto settle = [this, id = picture.id](Result<void> outcome) {
    const std::lock_guard lock(mutex_);
    uploads_.at(id).outcome = std::move(outcome);
    while (order_.size() > kRememberedMax && uploads_.at(order_.front()).outcome) {
      uploads_.erase(order_.front());
      order_.pop_front();
    }
  };
  start([this, settle, caller, picture, url = std::string(url)] {
    Result<void> outcome = fail(ErrorCode::unavailable, "something went wrong here");
    try {
      outcome = put(caller, picture, url, std::chrono::steady_clock::now() + kDeliveryTime);
    } catch (const std::exception& caught) {
      log(LogLevel::error, "background_work_failed", "reason={:?}", caught.what());
    }
    settle(std::move(outcome));
  });
  return std::nullopt;
}

}  // namespace imagined::service

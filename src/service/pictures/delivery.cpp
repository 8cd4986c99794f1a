#include "service/pictures/delivery.h"

#include <fmt/format.h>

#include <algorithm>
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
  return fail(ErrorCode::unavailable,
              fmt::format("the {} could not be sent to its upload URL",
                          picture.format == FileFormat::mp4 ? "video" : "picture"));
}

Result<void> Delivery::put_once(const Caller& caller, const StoredPicture& picture,
                                std::string_view url,
                                std::chrono::steady_clock::time_point deadline) {
  {
    const std::lock_guard lock(mutex_);
    if (std::ranges::find(sent_, picture.id) != sent_.end()) return {};
  }
  TRY(put(caller, picture, url, deadline));
  const std::lock_guard lock(mutex_);
  sent_.push_back(picture.id);
  if (sent_.size() > kRememberedMax) sent_.pop_front();
  return {};
}

}  // namespace imagined::service

#pragma once

#include "net/fetcher.h"
#include "service/ports/remote_pictures.h"

namespace imagined::storage {

/// Pictures of the World Wide Web, fetched by `net::Fetcher` under its rules.
class WebPictures final : public service::RemotePictures {
 public:
  explicit WebPictures(net::FetchRules rules) : fetcher_(std::move(rules)) {}

  Result<void> fetch(std::string_view url, const Limits& limits, const Sink& sink) override {
    return fetcher_.get(url, {.bytes_max = limits.bytes_max, .deadline = limits.deadline}, sink);
  }
  Result<void> check(std::string_view url) override { return fetcher_.check(url); }
  Result<void> put(std::string_view url, std::span<const std::uint8_t> file,
                   std::string_view mime_type,
                   std::chrono::steady_clock::time_point deadline) override {
    return fetcher_.put(url, {.bytes = file, .content_type = mime_type}, deadline);
  }

 private:
  net::Fetcher fetcher_;
};

}  // namespace imagined::storage

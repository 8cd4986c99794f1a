#pragma once

#include "net/fetcher.h"
#include "service/ports/picture_source.h"

namespace imagined::storage {

/// Pictures of the World Wide Web, fetched by `net::Fetcher` under its rules.
class WebPictureSource final : public service::PictureSource {
 public:
  explicit WebPictureSource(net::FetchRules rules) : fetcher_(std::move(rules)) {}

  Result<void> fetch(std::string_view url, const Limits& limits, const Sink& sink) override {
    return fetcher_.get(url, {.bytes_max = limits.bytes_max, .deadline = limits.deadline}, sink);
  }

 private:
  net::Fetcher fetcher_;
};

}  // namespace imagined::storage

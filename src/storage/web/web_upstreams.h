#pragma once

#include "net/http_streams.h"
#include "service/ports/upstream_client.h"

namespace imagined::storage {

/// Upstreams of the World Wide Web, or of this machine, spoken to by `net::HttpStreams`.
class WebUpstreams final : public service::UpstreamClient {
 public:
  std::unique_ptr<service::UpstreamAnswer> post(service::UpstreamPost post,
                                                std::function<void()> on_news) override;

  /// For a loop that they are lent to.
  net::HttpStreams& streams() { return streams_; }

 private:
  net::HttpStreams streams_;
};

}  // namespace imagined::storage

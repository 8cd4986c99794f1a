#pragma once

#include <chrono>

#include "service/ports/remote_pictures.h"
#include "service/ports/upstream_client.h"
#include "service/ports/upstream_maker.h"

namespace imagined::storage {

/// Servers with xAI's API over HTTP. What they answer by a URL is fetched by the rules of any
/// stranger's: one that leads into this network is refused, unless the operator allows it.
class WebUpstreamMaker final : public service::UpstreamMaker {
 public:
  struct Options {
    std::chrono::seconds pictures{600};  // that one answer may take
    std::chrono::seconds video{1800};    // the same, from its order to its end
    std::chrono::milliseconds first_look{1'000};
    std::chrono::milliseconds look_max{5'000};
  };
  /// Both must outlive it.
  WebUpstreamMaker(service::UpstreamClient& client, service::RemotePictures& web)
      : WebUpstreamMaker(client, web, Options()) {}
  WebUpstreamMaker(service::UpstreamClient& client, service::RemotePictures& web, Options options)
      : client_(client), web_(web), options_(options) {}

  Result<service::UpstreamMade> make(const service::UpstreamRoute& route,
                                     const service::UpstreamOrder& order, const Progress& progress,
                                     const std::stop_token& stop) override;

 private:
  class Talk;

  service::UpstreamClient& client_;
  service::RemotePictures& web_;
  const Options options_;
};

}  // namespace imagined::storage

#include "storage/web/web_upstreams.h"

#include <utility>

namespace imagined::storage {
namespace {

class WebAnswer final : public service::UpstreamAnswer {
 public:
  explicit WebAnswer(std::unique_ptr<net::HttpStreams::Stream> stream)
      : stream_(std::move(stream)) {}

  service::UpstreamNews take() override {
    net::StreamNews news = stream_->take();
    return {.status = news.status,
            .content_type = std::move(news.content_type),
            .retry_after = std::move(news.retry_after),
            .bytes = std::move(news.bytes),
            .ended = news.ended,
            .error = std::move(news.error)};
  }

 private:
  std::unique_ptr<net::HttpStreams::Stream> stream_;
};

}  // namespace

std::unique_ptr<service::UpstreamAnswer> WebUpstreams::post(service::UpstreamPost post,
                                                            std::function<void()> on_news) {
  return std::make_unique<WebAnswer>(streams_.post({.url = std::move(post.url),
                                                    .headers = std::move(post.headers),
                                                    .body = std::move(post.body),
                                                    .ca_file = std::move(post.ca_file)},
                                                   std::move(on_news)));
}

}  // namespace imagined::storage

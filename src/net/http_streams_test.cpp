#include "net/http_streams.h"

#include <gmock/gmock.h>

#include <condition_variable>
#include <mutex>

#include "net/test_server.h"

namespace imagined::net {
namespace {

using testing::HasSubstr;

/// A stream whose news are waited for.
class Reader {
 public:
  Reader(HttpStreams& streams, const std::string& url, std::vector<std::string> headers = {},
         std::shared_ptr<const std::string> body = std::make_shared<const std::string>("{\"a\":1}"))
      : stream_(streams.post({.url = url, .headers = std::move(headers), .body = std::move(body)},
                             [state = state_] {
                               const std::lock_guard lock(state->mutex);
                               state->told = true;
                               state->changed.notify_all();
                             })) {}

  /// All that comes until the end.
  StreamNews whole() {
    StreamNews all;
    while (!all.ended) {
      {
        std::unique_lock lock(state_->mutex);
        state_->changed.wait(lock, [&] { return state_->told; });
        state_->told = false;
      }
      StreamNews news = stream_->take();
      news.bytes.insert(0, all.bytes);
      all = std::move(news);
    }
    return all;
  }
  void leave() { stream_ = nullptr; }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable changed;
    bool told = false;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::unique_ptr<HttpStreams::Stream> stream_;
};

std::string answer(const std::string& fields, const std::string& body) {
  return "HTTP/1.1 200 OK\r\n" + fields + "Connection: close\r\n\r\n" + body;
}

TEST(HttpStreams, GivesHeadAndBodyOfAnAnswer) {
  const TestServer server([](const std::string&) {
    return answer("Content-Type: text/event-stream\r\nRetry-After: 7\r\n", "data: x\n\n");
  });
  HttpStreams streams;
  Reader reader(streams, server.url("/v1/x"), {"x-mark: 7"});
  const StreamNews news = reader.whole();
  EXPECT_EQ(news.status, 200);
  EXPECT_EQ(news.content_type, "text/event-stream");
  EXPECT_EQ(news.retry_after, "7");
  EXPECT_EQ(news.bytes, "data: x\n\n");
  EXPECT_FALSE(news.error);
  EXPECT_THAT(server.requests().front(), HasSubstr("POST /v1/x HTTP/1.1\r\n"));
  EXPECT_THAT(server.requests().front(), HasSubstr("x-mark: 7\r\n"));
}

TEST(HttpStreams, AsksWithoutABodyByGet) {
  const TestServer server([](const std::string&) { return answer("", "{}"); });
  HttpStreams streams;
  Reader reader(streams, server.url("/looked-at"), {}, nullptr);
  EXPECT_EQ(reader.whole().status, 200);
  EXPECT_THAT(server.requests(), testing::ElementsAre(testing::StartsWith("GET /looked-at ")));
}

TEST(HttpStreams, GoesOnWithAnAnswerThatWasNotTakenInTime) {
  const std::string body(4 << 20, 'x');
  const TestServer server([&](const std::string&) { return answer("", body); });
  HttpStreams streams({.untaken_bytes_max = 1000});
  Reader reader(streams, server.url());
  EXPECT_EQ(reader.whole().bytes, body);
}

TEST(HttpStreams, SaysThatAnAnswerIsCutOff) {
  const TestServer server(
      [](const std::string&) { return answer("Content-Length: 100\r\n", "half"); });
  HttpStreams streams;
  Reader reader(streams, server.url());
  const StreamNews news = reader.whole();
  ASSERT_TRUE(news.error);
  EXPECT_EQ(news.error->code, ErrorCode::unavailable);
  EXPECT_EQ(news.bytes, "half");
}

TEST(HttpStreams, SaysThatNobodyIsThere) {
  std::string url;
  {
    const TestServer gone([](const std::string&) { return std::string(); });
    url = gone.url();
  }
  HttpStreams streams;
  Reader reader(streams, url);
  const StreamNews news = reader.whole();
  EXPECT_EQ(news.status, 0);
  EXPECT_TRUE(news.error);
}

TEST(HttpStreams, EndsRequestsWhoseStreamsAreGone) {
  const TestServer server([](const std::string&) { return std::string(); });  // silent
  HttpStreams streams;
  Reader left(streams, server.url());
  left.leave();
  Reader kept(streams, server.url());  // and one that is still under way at the end
}

}  // namespace
}  // namespace imagined::net

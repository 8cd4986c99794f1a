#include "net/http_streams.h"

#include <gmock/gmock.h>
#include <poll.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "net/test_server.h"

namespace imagined::net {
namespace {

using testing::Each;
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

TEST(HttpStreams, DecodesWhatComesCodedThoughNothingCodedIsAskedFor) {
  using namespace std::string_literals;
  const TestServer server([](const std::string&) {
    return answer("Content-Encoding: gzip\r\n",
                  "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xab\x56\x2a\x4e\xcc\x4c"
                  "\x51\xb2\x52\xca\x48\xcc\xc9\xc9\x57\xaa\x05\x00\x24\x4d\x72\x8e"
                  "\x10\x00\x00\x00"s);
  });
  HttpStreams streams;
  const StreamNews all = Reader(streams, server.url()).whole();
  EXPECT_EQ(all.bytes, R"({"said":"hallo"})");
  EXPECT_THAT(server.requests().front(), HasSubstr("Accept-Encoding: identity\r\n"));
}

TEST(HttpStreams, SaysThatAnAnswerIsCodedInAWayThatIsNotKnown) {
  const TestServer server(
      [](const std::string&) { return answer("Content-Encoding: rot13\r\n", "nffreg"); });
  HttpStreams streams;
  const StreamNews all = Reader(streams, server.url()).whole();
  ASSERT_TRUE(all.error);
  EXPECT_EQ(all.bytes, "");
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

/// An answer of streams that are lent to this thread, to its end; on which threads it was told of.
struct Driven {
  std::string bytes;
  std::vector<std::thread::id> told;
};
Driven drive(HttpStreams& streams, const std::string& url) {
  Driven driven;
  bool has_news = false;
  const auto stream = streams.post({.url = url, .headers = {}, .body = nullptr}, [&] {
    driven.told.push_back(std::this_thread::get_id());
    has_news = true;
  });
  for (bool has_ended = false; !has_ended;) {
    if (!std::exchange(has_news, false)) {
      pollfd ready{.fd = streams.fd(), .events = POLLIN, .revents = 0};
      if (::poll(&ready, 1, 60'000) != 1) break;
      streams.drive();
      continue;
    }
    StreamNews news = stream->take();
    driven.bytes += news.bytes;
    has_ended = news.ended;
  }
  return driven;
}

TEST(HttpStreams, TellOnTheThreadThatTheyAreLentTo) {
  const TestServer server([](const std::string&) { return answer("", "body"); });
  HttpStreams streams;
  streams.lend(true);
  const Driven driven = drive(streams, server.url());
  EXPECT_EQ(driven.bytes, "body");
  EXPECT_THAT(driven.told, Each(std::this_thread::get_id()));
}

TEST(HttpStreams, LentGoOnWithAnAnswerThatWasNotTakenInTime) {
  const std::string body(4 << 20, 'x');
  const TestServer server([&](const std::string&) { return answer("", body); });
  HttpStreams streams({.untaken_bytes_max = 1000});
  streams.lend(true);
  EXPECT_EQ(drive(streams, server.url()).bytes, body);
}

TEST(HttpStreams, GoOnByThemselvesWhenTheyAreLentNoMore) {
  const TestServer server([](const std::string&) { return answer("", "{}"); });
  HttpStreams streams;
  streams.lend(true);
  Reader reader(streams, server.url());
  streams.lend(false);
  EXPECT_EQ(reader.whole().bytes, "{}");
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

// A connection with an application of the test's own behind it: bodies that go elsewhere, replies
// that come in pieces, clients that go away in different ways.
#include "api/http/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>
#include <mutex>
#include <thread>

#include "api/http/router.h"
#include "api/wire_client.h"
#include "base/log.h"

namespace imagined::api {
namespace {

namespace asio = boost::asio;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;

Async<Result<Response>> nothing(const Context&, Exchange&) { co_return Response{}; }

// Takes a body to pieces of which none stays in memory.
class CountingSink final : public BodySink {
 public:
  explicit CountingSink(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  Result<void> take(std::string_view bytes) override {
    bytes_ += bytes.size();
    if (bytes_ > bytes_max_) return fail(ErrorCode::storage_full, "the sink is full");
    return {};
  }
  Result<void> finish() override {
    finished_ = true;
    return {};
  }
  std::string report() const {
    return std::to_string(bytes_) + (finished_ ? " bytes, whole" : " bytes");
  }

 private:
  const std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  bool finished_ = false;
};

// The words, one at a time; after the last one the end, or no end.
class Words final : public EventSource {
 public:
  Words(std::vector<std::string> words, bool ends) : words_(std::move(words)), ends_(ends) {}
  Async<std::optional<std::string>> next(std::stop_token client_gone) override {
    if (at_ < words_.size()) co_return words_[at_++];
    if (!ends_) {
      Signal never;
      co_await never.wait(std::chrono::hours(1), client_gone);
      gone.set_value();
    }
    co_return std::nullopt;
  }
  std::string failed(const Error& error) override { return error.message; }
  std::promise<void> gone;

 private:
  const std::vector<std::string> words_;
  const bool ends_;
  std::size_t at_ = 0;
};

class TestApplication final : public Application {
 public:
  using Answer = std::function<Async<Response>(Exchange&)>;

  Async<std::optional<Response>> before_body(Exchange& exchange) override {
    exchange.route = &route;
    if (on_head) on_head();
    if (sink_bytes_max) exchange.sink = std::make_unique<CountingSink>(*sink_bytes_max);
    co_return std::nullopt;
  }
  Async<Response> answer(Exchange& exchange) override {
    if (on_answer) co_return co_await on_answer(exchange);
    co_return Response{.body = exchange.request.body};
  }
  Response refuse(Exchange&, const HeadError& error) override {
    return {.status = error.status, .body = error.message, .close = true};
  }
  Response refuse(Exchange&, const Error& error) override {
    return {.status = error.code == ErrorCode::storage_full ? 507 : 503,
            .body = error.message,
            .close = true};
  }
  void finish(const Exchange&, Response&) override {}

  Route route{"POST", "/", nothing, Access::open, {.kind = BodyKind::json, .bytes_max = 1 << 20}};
  std::optional<std::size_t> sink_bytes_max;
  std::function<void()> on_head;
  Answer on_answer;
};

class ConnectionTest : public ::testing::Test {
 protected:
  ConnectionTest() { set_log_level(LogLevel::off); }
  ~ConnectionTest() override {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
    pool_.join();
  }

  void start() {
    budget_.emplace(held_bytes_max_);
    asio::co_spawn(loop_, accept(), asio::detached);
    thread_ = std::jthread([this] { loop_.run(); });
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

  static std::string post(std::string_view body, std::string_view version = "1.1") {
    return "POST / HTTP/" + std::string(version) +
           "\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
  }

  // On the loop's thread: fills what the kernel holds for a client that does not read.
  void fill_send_buffer() const {
    const std::string bytes(64 * 1024, 'a');
    for (int refusals = 0; refusals < 20;) {
      if (::send(server_end_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
        refusals = 0;
      } else {
        ++refusals;
        ::poll(nullptr, 0, 1);  // some of it may be on its way to the client still
      }
    }
  }

  // Whether a connection ends within 10 s.
  bool ends() const {
    for (int i = 0; i < 10'000 && ended_ == 0; ++i) ::poll(nullptr, 0, 1);
    return ended_ > 0;
  }

  TestApplication application_;
  Limits limits_;
  std::size_t held_bytes_max_ = 1 << 20;

 private:
  Async<void> accept() {
    while (true) {
      boost::system::error_code error;
      asio::ip::tcp::socket socket =
          co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return;
      server_end_ = socket.native_handle();
      const auto connection =
          make_connection(std::move(socket), {application_, limits_, pool_, *budget_});
      asio::co_spawn(loop_, connection->run(), [this](std::exception_ptr) { ++ended_; });
    }
  }

  std::optional<ByteBudget> budget_;
  std::atomic<int> ended_ = 0;
  int server_end_ = -1;  // of the connection that was accepted last
  Pool pool_{2};
  asio::io_context loop_{1};
  asio::ip::tcp::acceptor acceptor_{loop_, {asio::ip::make_address("127.0.0.1"), 0}};
  std::jthread thread_;
};

TEST_F(ConnectionTest, HandsABodyToItsSinkAsItArrives) {
  application_.sink_bytes_max = 1 << 20;
  application_.on_answer = [](Exchange& exchange) -> Async<Response> {
    EXPECT_TRUE(exchange.request.body.empty());
    co_return Response{.body = static_cast<CountingSink&>(*exchange.sink).report()};
  };
  start();
  WireClient client(port());
  client.send(post(std::string(300'000, 'a')));
  EXPECT_THAT(client.reply(), HasSubstr("300000 bytes, whole"));
}

TEST_F(ConnectionTest, EndsABodyThatItsSinkRefuses) {
  application_.sink_bytes_max = 1000;
  start();
  WireClient client(port());
  client.send(post(std::string(300'000, 'a')));
  EXPECT_THAT(client.reply(), HasSubstr("HTTP/1.1 507"));
  EXPECT_EQ(client.status(), 0);
}

TEST_F(ConnectionTest, HoldsNoMoreBytesOfBodiesThanItsBudget) {
  held_bytes_max_ = 400'000;
  std::promise<void> arrived;
  std::promise<void> go_on;
  const auto may_go_on = go_on.get_future().share();
  application_.on_answer = [&](Exchange&) -> Async<Response> {
    arrived.set_value();
    Signal pause;
    while (may_go_on.wait_for(milliseconds(0)) != std::future_status::ready) {
      co_await pause.wait(milliseconds(1), {});
    }
    co_return Response{};
  };
  start();
  WireClient first(port());
  first.send(post(std::string(300'000, 'a')));
  arrived.get_future().wait();
  WireClient second(port());
  second.send(post(std::string(300'000, 'a')));
  EXPECT_EQ(second.status(), 503);
  go_on.set_value();
  EXPECT_EQ(first.status(), 200);
}

// Each byte comes within the time of grace, and yet the whole would take for ever.
TEST_F(ConnectionTest, GivesUpOnABodyBelowItsRate) {
  limits_.body_timeout = milliseconds(50);
  application_.route.body.bytes_per_s_min = 1000;
  start();
  WireClient client(port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
  for (int i = 0; i < 1000 && !client.readable(milliseconds(5)); ++i) client.send("a");
  EXPECT_EQ(client.status(), 408);
}

TEST_F(ConnectionTest, GivesEachHeadItsOwnTime) {
  limits_.head_timeout = milliseconds(100);
  application_.on_answer = [](Exchange&) -> Async<Response> {
    Signal never;
    co_await never.wait(milliseconds(70), {});
    co_return Response{};
  };
  start();
  WireClient client(port());
  client.send(post("a"));
  EXPECT_EQ(client.status(), 200);
  const auto begin = std::chrono::steady_clock::now();
  client.send("POST / HTTP/1.1\r\n");
  EXPECT_EQ(client.status(), 408);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(100));
}

TEST_F(ConnectionTest, GivesUpOnAClientThatDoesNotEvenReadThatItsBodyIsAwaited) {
  limits_.write_timeout = milliseconds(20);
  application_.on_head = [this] { fill_send_buffer(); };
  start();
  WireClient client(port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_TRUE(ends());
}

TEST_F(ConnectionTest, SendsEachEventAsAChunk) {
  application_.on_answer = [](Exchange&) -> Async<Response> {
    co_return Response{.body = std::make_unique<Words>(
                           std::vector<std::string>{"one", "twenty letters long."}, true)};
  };
  start();
  WireClient client(port());
  client.send(post("") + post(""));
  const std::string reply = client.until("\r\n0\r\n\r\n");
  EXPECT_THAT(reply, HasSubstr("transfer-encoding: chunked\r\n"));
  EXPECT_THAT(reply, Not(HasSubstr("content-length")));
  EXPECT_TRUE(reply.ends_with("\r\n\r\n3\r\none\r\n14\r\ntwenty letters long.\r\n0\r\n\r\n"))
      << reply;
  EXPECT_THAT(client.until("\r\n0\r\n\r\n"), HasSubstr("3\r\none"));  // the connection goes on
}

TEST_F(ConnectionTest, SendsEventsToTheEndOfTheConnectionWhereChunksAreUnknown) {
  application_.on_answer = [](Exchange&) -> Async<Response> {
    co_return Response{.body =
                           std::make_unique<Words>(std::vector<std::string>{"one", "two"}, true)};
  };
  start();
  WireClient client(port());
  client.send(post("", "1.0"));
  const std::string reply = client.until_end();
  EXPECT_THAT(reply, HasSubstr("connection: close\r\n"));
  EXPECT_TRUE(reply.ends_with("\r\n\r\nonetwo")) << reply;
}

TEST_F(ConnectionTest, TellsAnEventSourceThatItsClientHasGone) {
  std::future<void> gone;
  std::promise<void> begun;
  application_.on_answer = [&](Exchange&) -> Async<Response> {
    auto words = std::make_unique<Words>(std::vector<std::string>{"one"}, false);
    gone = words->gone.get_future();
    begun.set_value();
    co_return Response{.body = std::move(words)};
  };
  start();
  std::optional<WireClient> client(port());
  client->send(post(""));
  begun.get_future().wait();
  client->until("one");
  client->reset();
  client.reset();
  EXPECT_EQ(gone.wait_for(std::chrono::seconds(10)), std::future_status::ready);
}

class WaitingApplication : public ConnectionTest {
 protected:
  // Answers as soon as it may, and says whether the client seemed to have gone by then.
  void answer_when_told() {
    application_.on_answer = [this](Exchange& exchange) -> Async<Response> {
      begun_.set_value();
      Signal pause;
      const auto told = told_.get_future();
      while (told.wait_for(milliseconds(0)) != std::future_status::ready &&
             !exchange.client_gone.stop_requested()) {
        co_await pause.wait(milliseconds(1), exchange.client_gone);
      }
      gone_.set_value(exchange.client_gone.stop_requested());
      co_return Response{.body = std::string("here you are")};
    };
    start();
  }

  std::promise<void> begun_;
  std::promise<void> told_;
  std::promise<bool> gone_;
};

TEST_F(WaitingApplication, AnswersAClientThatHasOnlyClosedItsSide) {
  answer_when_told();
  WireClient client(port());
  client.send(post("a"));
  begun_.get_future().wait();
  client.close_sending();
  EXPECT_EQ(client.peek(), 'H');  // the server has seen it, and has begun its reply
  told_.set_value();
  const std::string reply = client.reply();
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\n")) << reply;
  EXPECT_TRUE(reply.ends_with("here you are")) << reply;
  EXPECT_FALSE(gone_.get_future().get());
}

TEST_F(WaitingApplication, NoticesAClientThatHasClosed) {
  answer_when_told();
  std::optional<WireClient> client(port());
  client->send(post("a"));
  begun_.get_future().wait();
  client.reset();
  EXPECT_TRUE(gone_.get_future().get());
}

TEST_F(WaitingApplication, NoticesAClientThatClosesAfterItsSide) {
  answer_when_told();
  std::optional<WireClient> client(port());
  client->send(post("a"));
  begun_.get_future().wait();
  client->close_sending();
  EXPECT_EQ(client->peek(), 'H');
  client.reset();
  EXPECT_TRUE(gone_.get_future().get());
}

}  // namespace
}  // namespace imagined::api

#include "api/grpc/connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "api/grpc/frame_guard.h"
#include "api/listen/far_end.h"
#include "api/listen/proxy_list.h"
#include "api/listen/tls.h"
#include "base/log.h"

namespace imagined::api {
namespace {

namespace asio = boost::asio;
using asio::experimental::awaitable_operators::operator||;
using boost::system::error_code;
using std::chrono::steady_clock;

constexpr std::size_t kBufferBytes = 16 << 10;  // each way
constexpr std::chrono::seconds kBeginTimeout{10};
constexpr std::chrono::seconds kWriteTimeout{30};
constexpr std::chrono::seconds kReadingTime{1};            // that a client has to read it
constexpr std::chrono::milliseconds kFarEndInterval{250};  // of looks at one that sends no more
// A ping without a number.
constexpr std::string_view kPingFrame("\0\0\x08\x06\0\0\0\0\0\0\0\0\0\0\0\0\0", 17);
constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::string_view kSpeakGrpc =
    "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain\r\ncontent-length: 76\r\n"
    "connection: close\r\n\r\n"
    "This port speaks gRPC alone; the other one, of --http-listen, answers REST.\n";

using Timer = asio::steady_timer;

Async<void> pause(std::chrono::milliseconds time) {
  Timer timer(co_await asio::this_coro::executor, time);
  error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

Async<void> until_cancelled(Timer& timer) {
  error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

std::span<const std::byte> bytes_of(const std::vector<char>& buffer, std::size_t count) {
  return std::as_bytes(std::span(buffer).first(count));
}

class Passage {
 public:
  Passage(asio::ip::tcp::socket socket, GrpcConnectionParts parts)
      : parts_(std::move(parts)),
        client_(std::move(socket), parts_.tls),
        grpc_(client_.socket().get_executor()),
        guard_(parts_.times, [this](std::string_view reason) { say_refused(reason); }) {
    error_code ignored;
    address_ = plain(client_.socket().remote_endpoint(ignored).address()).to_string();
  }

  Async<void> run() {
    const auto begun =
        co_await (begin() || pause(kBeginTimeout) || until_cancelled(parts_.parting.stopping));
    if (begun.index() != 0 || !std::get<0>(begun)) {
      log(LogLevel::debug, "grpc_client_dropped", "client={} reason={:?}", address_,
          "it does not begin as HTTP/2 does");
      co_return;
    }
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()) != 0) {
      log(LogLevel::warn, "connection_failed", "reason={:?}", "no descriptors left for gRPC");
      co_return;
    }
    grpc_.assign(asio::local::stream_protocol(), pair[0]);
    const Peers::Known known(parts_.peers, pair[1], address_);
    parts_.to_grpc(pair[1]);
    co_await (to_grpc() || to_client() || watch_reading() || watch_calls() ||
              until_cancelled(parts_.parting.now));
    error_code ignored;
    grpc_.close(ignored);  // while the descriptor's name is still ours
  }

  // Of a client that is told `text`, whatever it says.
  Async<void> tell(std::string_view text) {
    co_await write(asio::buffer(text));
    co_await client_.end_sending();
    error_code error;
    while (!error) co_await client_.read_some(asio::buffer(buffer_), error);
  }

 private:
  // False: it does not speak HTTP/2.
  Async<bool> begin() {
    if (co_await client_.handshake()) co_return false;
    while (begun_ < kPreface.size()) {
      error_code error;
      begun_ += co_await client_.read_some(asio::buffer(buffer_) + begun_, error);
      if (error) co_return false;
      const std::size_t known = std::min(begun_, kPreface.size());
      if (std::string_view(buffer_.data(), known) == kPreface.substr(0, known)) continue;
      co_await (tell(kSpeakGrpc) || pause(kReadingTime));
      co_return false;
    }
    co_return true;
  }

  Async<void> to_grpc() {
    error_code error;
    std::size_t count = std::exchange(begun_, 0);
    std::span<const std::byte> frames = bytes_of(buffer_, count).subspan(kPreface.size());
    while (!error) {
      if (const char* reason = guard_.from_client(frames, steady_clock::now()))
        co_return say_flood(reason);
      co_await asio::async_write(grpc_, asio::buffer(buffer_.data(), count),
                                 asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return;
      count = co_await client_.read_some(asio::buffer(buffer_), error);
      frames = bytes_of(buffer_, count);
    }
    if (error == asio::error::eof) co_await answer_the_rest();
  }

  // Until a client that sends no more has what it has asked for, or has gone. The library is not
  // told: it would give up all calls.
  Async<void> answer_the_rest() {
    while ((guard_.has_calls() || writing_since_) && !client_is_gone())
      co_await pause(kFarEndInterval);
  }

  // What may be sent at any time shows whether somebody is there.
  bool client_is_gone() {
    const FarEnd end = far_end(client_.socket());
    if (end == FarEnd::gone || client_.is_encrypted()) return true;
    if (writing_since_ || !guard_.is_between_frames()) return false;
    const int sent = send_at_once(client_.socket(), kPingFrame);
    return sent != 0 && sent != static_cast<int>(kPingFrame.size());
  }

  Async<void> to_client() {
    error_code error;
    std::vector<char> buffer(kBufferBytes);
    while (!error) {
      const std::size_t count = co_await grpc_.async_read_some(
          asio::buffer(buffer), asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return;
      if (const char* reason = guard_.from_server(bytes_of(buffer, count), steady_clock::now()))
        co_return say_flood(reason);
      writing_since_ = steady_clock::now();
      error = co_await write(asio::buffer(buffer.data(), count));
      writing_since_.reset();
    }
  }

  Async<error_code> write(asio::const_buffer bytes) {
    const std::array parts = {bytes, asio::const_buffer()};
    co_return co_await client_.write(parts);
  }

  // Until it has not read for too long.
  Async<void> watch_reading() {
    while (!writing_since_ || steady_clock::now() - *writing_since_ < kWriteTimeout)
      co_await pause(kWriteTimeout / 2);
    log(LogLevel::info, "grpc_client_dropped", "client={} reason={:?}", address_,
        "it does not read");
  }

  // Until one has been coming for too long.
  Async<void> watch_calls() {
    while (!guard_.has_late_call(steady_clock::now())) co_await pause(parts_.times.request / 4);
    log(LogLevel::info, "grpc_client_dropped", "client={} reason={:?}", address_,
        "it does not come to an end with what it asks");
  }

  void say_refused(std::string_view reason) const {
    log(LogLevel::info, "grpc_call_refused", "client={} reason={:?}", address_, reason);
    parts_.on_refusal();
  }

  void say_flood(const char* reason) const {
    log(LogLevel::warn, "grpc_client_dropped", "client={} reason={:?}", address_,
        fmt::format("a flood of {}", reason));
  }

  const GrpcConnectionParts parts_;
  Transport client_;
  asio::local::stream_protocol::socket grpc_;
  std::string address_;
  std::vector<char> buffer_ = std::vector<char>(kBufferBytes);  // from the client
  std::size_t begun_ = 0;                                       // bytes in it
  std::optional<steady_clock::time_point> writing_since_;
  FrameGuard guard_;
};

}  // namespace

Async<void> pass_to_grpc(asio::ip::tcp::socket socket, GrpcConnectionParts parts) {
  Passage passage(std::move(socket), std::move(parts));
  co_await passage.run();
}

}  // namespace imagined::api

#include "api/http/connection.h"

#include <fmt/chrono.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <exception>
#include <string>
#include <string_view>

#include "base/log.h"

namespace imagined::api {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using std::chrono::milliseconds;

// How often a client with unread pipelined bytes is looked at; see `watch_client`.
constexpr milliseconds kWatchInterval{250};
constexpr milliseconds kForever = std::chrono::hours(24 * 365);
// A chunk's size with its extensions, which nobody needs.
constexpr std::size_t kChunkLineBytesMax = 256;
constexpr std::size_t kReadBytes = 16 * 1024;
// What is read and thrown away so that an early reply reaches a client that still sends.
constexpr milliseconds kLingerTimeout{5'000};
constexpr std::size_t kLingerBytesMax = 64u << 20;

bool is_token_start(char c) { return c > ' ' && c < '\x7f'; }

std::string serialize_head(const Response& response, bool keep_alive) {
  std::string head =
      fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_phrase(response.status));
  for (const Header& field : response.headers.all()) {
    head += fmt::format("{}: {}\r\n", field.name, field.value);
  }
  head += fmt::format("date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n", fmt::gmtime(std::time(nullptr)));
  if (response.status != 204 && !response.headers.has("content-length")) {
    head += fmt::format("content-length: {}\r\n", response.body.size());
  }
  head += keep_alive ? "connection: keep-alive\r\n\r\n" : "connection: close\r\n\r\n";
  return head;
}

std::string_view text_of(const beast::flat_buffer& buffer) {
  return {static_cast<const char*>(buffer.data().data()), buffer.size()};
}

bool has_bare_line_feed(std::string_view text) {
  for (auto at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    if (at == 0 || text[at - 1] != '\r') return true;
  }
  return false;
}

class TcpConnection final : public Connection, public std::enable_shared_from_this<TcpConnection> {
 public:
  TcpConnection(asio::ip::tcp::socket socket, Application& application, const Limits& limits)
      : socket_(std::move(socket)),
        timer_(socket_.get_executor()),
        buffer_(limits.head_bytes_max + limits.json_bytes_max + kReadBytes),
        application_(application),
        limits_(limits) {}

  Async<void> run() override;
  void close_soon() override;

 private:
  enum class Reading { done, refused, closed };

  Async<Reading> read_head(Head& head, HeadError& error);
  Async<Reading> read_body(const Head& head, std::string_view head_text, std::string& body,
                           HeadError& error);
  Async<bool> exchange_once();
  Async<Response> answer_watched(Exchange& exchange);
  Async<void> watch_client(std::stop_source& gone);
  Async<bool> write(const Exchange& exchange, Response response, bool keep_alive);
  Async<void> linger();

  void arm(milliseconds limit);
  void disarm();

  asio::ip::tcp::socket socket_;
  asio::steady_timer timer_;
  std::uint64_t armed_ = 0;  // counts `arm` and `disarm`, so that a late timer does nothing
  bool expired_ = false;
  beast::flat_buffer buffer_;
  Application& application_;
  const Limits& limits_;
  std::string head_text_;
  bool idle_ = false;
  bool closing_ = false;
};

// A deadline for whatever the socket does next: cancels it and leaves `expired_`.
void TcpConnection::arm(milliseconds limit) {
  expired_ = false;
  timer_.expires_after(limit);
  timer_.async_wait([self = shared_from_this(), mark = ++armed_](const error_code& error) {
    if (error || mark != self->armed_) return;
    self->expired_ = true;
    error_code ignored;
    self->socket_.cancel(ignored);
  });
}

void TcpConnection::disarm() {
  ++armed_;
  timer_.cancel();
}

void TcpConnection::close_soon() {
  closing_ = true;
  if (!idle_) return;
  error_code ignored;
  socket_.cancel(ignored);
}

Async<void> TcpConnection::run() {
  const auto self = shared_from_this();
  error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  while (co_await exchange_once()) {
  }
  disarm();
  socket_.close(ignored);
}

Async<TcpConnection::Reading> TcpConnection::read_head(Head& head, HeadError& error) {
  const auto refuse = [&](int status, std::string message) {
    error = {status, std::move(message)};
    return Reading::refused;
  };
  bool waiting = true;  // for the first byte of a request
  idle_ = true;
  arm(limits_.idle_timeout);
  while (true) {
    std::string_view text = text_of(buffer_);
    // RFC 9112 2.2: an empty line before a request is skipped.
    while (text.starts_with("\r\n")) {
      buffer_.consume(2);
      text = text_of(buffer_);
    }
    if (!text.empty() && text != "\r") {
      if (!is_token_start(text.front())) co_return refuse(400, "this is not HTTP");
      if (waiting) {
        waiting = false;
        idle_ = false;
        arm(limits_.head_timeout);
      }
      const auto end = text.find("\r\n\r\n");
      if (end != std::string_view::npos && end + 4 <= limits_.head_bytes_max) {
        head_text_ = text.substr(0, end + 4);
        buffer_.consume(end + 4);
        if (auto failure = parse_head(head_text_, limits_, head)) {
          error = std::move(*failure);
          co_return Reading::refused;
        }
        co_return Reading::done;
      }
      if (text.size() >= limits_.head_bytes_max) {
        const bool first_line = text.find("\r\n") > limits_.line_bytes_max;
        co_return first_line
            ? refuse(414, "the request line is too long")
            : refuse(431, fmt::format("the head is larger than {} bytes", limits_.head_bytes_max));
      }
    }
    if (waiting && closing_) co_return Reading::closed;
    error_code ec;
    const auto count = co_await socket_.async_read_some(
        buffer_.prepare(kReadBytes), asio::redirect_error(asio::use_awaitable, ec));
    if (ec) {
      if (expired_ && !waiting) co_return refuse(408, "the head of the request did not arrive");
      co_return Reading::closed;
    }
    buffer_.commit(count);
  }
}

Async<TcpConnection::Reading> TcpConnection::read_body(const Head& head, std::string_view head_text,
                                                       std::string& body, HeadError& error) {
  error_code ec;
  http::request_parser<http::string_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(limits_.head_bytes_max + 1));
  parser.body_limit(limits_.json_bytes_max);
  auto check_chunk = [](std::uint64_t, std::string_view extensions, error_code& failure) {
    if (extensions.size() > kChunkLineBytesMax) failure = http::error::bad_chunk_extension;
  };
  parser.on_chunk_header(check_chunk);
  parser.put(asio::buffer(head_text), ec);
  if (!ec && head.expects_continue) {
    co_await asio::async_write(socket_,
                               asio::buffer(std::string_view("HTTP/1.1 100 Continue\r\n\r\n")),
                               asio::redirect_error(asio::use_awaitable, ec));
  }
  arm(limits_.body_timeout);
  parser.eager(true);
  while (!ec && !parser.is_done()) {
    const auto parsed = parser.put(buffer_.data(), ec);
    buffer_.consume(parsed);
    if (ec == http::error::need_more) ec = {};
    if (ec || parser.is_done()) break;
    // What is left is a line of the chunk framing that has not ended. Beast would wait for its
    // proper end; another reader might take the line feed for it.
    if (has_bare_line_feed(text_of(buffer_))) ec = http::error::bad_chunk;
    if (buffer_.size() > kChunkLineBytesMax) ec = http::error::bad_chunk_extension;
    if (ec) break;
    buffer_.commit(co_await socket_.async_read_some(buffer_.prepare(kReadBytes),
                                                    asio::redirect_error(asio::use_awaitable, ec)));
  }
  if (!ec) {
    body = std::move(parser.get().body());
    co_return Reading::done;
  }
  if (ec == http::error::body_limit) {
    error = {413, fmt::format("the body is larger than {} bytes", limits_.json_bytes_max)};
  } else if (expired_) {
    error = {408, "the body of the request did not arrive"};
  } else if (ec == http::error::partial_message || ec == asio::error::eof) {
    error = {400, "the body ended early"};
  } else if (ec.category() == http::make_error_code(http::error::bad_chunk).category()) {
    error = {400, "the body of the request is broken"};
  } else {
    co_return Reading::closed;
  }
  co_return Reading::refused;
}

// One request and its reply. False: the connection has ended.
Async<bool> TcpConnection::exchange_once() {
  Head head;
  HeadError error;
  Exchange exchange;
  Reading reading = co_await read_head(head, error);
  exchange.started = std::chrono::steady_clock::now();
  exchange.request = std::move(head.request);
  std::optional<Response> response;
  if (reading == Reading::done) {
    disarm();
    response = co_await application_.before_body(exchange);
    if (!response && head.content_length > limits_.json_bytes_max) {
      error = {413, fmt::format("the body is larger than {} bytes", limits_.json_bytes_max)};
      reading = Reading::refused;
    } else if (!response && head.has_body()) {
      reading = co_await read_body(head, head_text_, exchange.request.body, error);
    }
  }
  if (reading == Reading::closed) co_return false;
  disarm();
  const bool body_unread = reading == Reading::refused || (response.has_value() && head.has_body());
  if (reading == Reading::refused) {
    response = application_.refuse(exchange, error);
  } else if (!response) {
    response = co_await answer_watched(exchange);
  }
  application_.finish(exchange, *response);
  const bool keep_alive =
      reading == Reading::done && head.keep_alive && !body_unread && !response->close && !closing_;
  const bool written = co_await write(exchange, std::move(*response), keep_alive);
  if (written && body_unread) co_await linger();
  co_return written&& keep_alive;
}

// The application's answer, while an eye is kept on the client.
Async<Response> TcpConnection::answer_watched(Exchange& exchange) {
  using namespace asio::experimental::awaitable_operators;
  std::stop_source gone;
  exchange.client_gone = gone.get_token();
  // The watcher never ends by itself, so the answer always comes first.
  auto first = co_await (application_.answer(exchange) || watch_client(gone));
  co_return std::move(std::get<0>(first));
}

// Requests a stop when the client has closed its side. The bytes of a pipelined request hide the
// end of the stream from a read, so the state of the connection is asked.
Async<void> TcpConnection::watch_client(std::stop_source& gone) {
  error_code ec;
  asio::steady_timer pause(socket_.get_executor());
  co_await socket_.async_wait(asio::ip::tcp::socket::wait_read,
                              asio::redirect_error(asio::use_awaitable, ec));
  while (ec != asio::error::operation_aborted) {
    tcp_info info{};
    socklen_t size = sizeof info;
    const bool open =
        !ec && getsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
        info.tcpi_state == TCP_ESTABLISHED;
    if (!open) gone.request_stop();
    pause.expires_after(open ? kWatchInterval : kForever);
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  }
}

Async<bool> TcpConnection::write(const Exchange& exchange, Response response, bool keep_alive) {
  const std::string head = serialize_head(response, keep_alive);
  if (exchange.request.method == "HEAD") response.body.clear();
  const auto extra_s = response.body.size() / limits_.write_bytes_per_s_min;
  arm(limits_.write_timeout + std::chrono::seconds(extra_s));
  const std::array<asio::const_buffer, 2> parts = {asio::buffer(head), asio::buffer(response.body)};
  error_code ec;
  co_await asio::async_write(socket_, parts, asio::redirect_error(asio::use_awaitable, ec));
  disarm();
  co_return !ec;
}

// Closing with unread bytes in the kernel resets the connection and the client may never see the
// reply, so these are read first.
Async<void> TcpConnection::linger() {
  error_code ec;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ec);
  arm(kLingerTimeout);
  std::string sink(64 * 1024, '\0');
  std::size_t total = 0;
  while (!ec && !expired_ && total < kLingerBytesMax) {
    total += co_await socket_.async_read_some(asio::buffer(sink),
                                              asio::redirect_error(asio::use_awaitable, ec));
  }
}

}  // namespace

std::shared_ptr<Connection> make_connection(asio::ip::tcp::socket socket, Application& application,
                                            const Limits& limits) {
  return std::make_shared<TcpConnection>(std::move(socket), application, limits);
}

}  // namespace imagined::api

#include "api/http/connection.h"

#include <fmt/chrono.h>

#include <array>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <span>
#include <string>
#include <string_view>

#include "api/call/last_words.h"
#include "api/http/body_framing.h"
#include "api/http/input_buffer.h"
#include "api/http/router.h"
#include "api/listen/far_end.h"
#include "api/listen/tls.h"
#include "base/log.h"

namespace imagined::api {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How often a client is looked at whose side of the connection is closed, or that has sent more
// than it was asked for; see `watch_client`.
constexpr milliseconds kWatchInterval{250};
constexpr std::size_t kReadBytes = 16 * 1024;
// What a connection holds while it waits for a request, which mostly fits.
constexpr std::size_t kIdleBytes = 1024;
// What is read and thrown away so that an early reply reaches a client that still sends.
constexpr milliseconds kLingerTimeout{5'000};
constexpr std::size_t kLingerBytesMax = 64u << 20;
// How long a client that has connected, and not asked yet, is waited for by a server that stops.
constexpr milliseconds kLastRequestTimeout{1'000};
// Where it goes: nobody looks at it, so that all connections of a loop may share it.
thread_local std::array<char, 64 * 1024> thrown_away;
// Bodies up to this size are not counted: they are there as long as their connection is.
constexpr std::size_t kUncountedBytes = 64 * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
// How every reply begins.
constexpr std::string_view kVersion = "HTTP/1.1 ";

bool is_token_start(char c) { return c > ' ' && c < '\x7f'; }

struct Framing {
  std::string body_field;  // content-length or transfer-encoding, with its line end; or nothing
  bool keep_alive = false;
};

std::string serialize_head(const Response& response, const Framing& framing) {
  std::string head =
      fmt::format("{}{} {}\r\n", kVersion, response.status, reason_phrase(response.status));
  for (const Header& field : response.headers.all()) {
    head += fmt::format("{}: {}\r\n", field.name, field.value);
  }
  head += fmt::format("date: {:%a, %d %b %Y %H:%M:%S} GMT\r\n{}connection: {}\r\n\r\n",
                      fmt::gmtime(std::time(nullptr)), framing.body_field,
                      framing.keep_alive ? "keep-alive" : "close");
  return head;
}

asio::const_buffer bytes_of(const Body& body) {
  if (const auto* text = std::get_if<std::string>(&body)) return asio::buffer(*text);
  if (const auto* bytes = std::get_if<SharedBytes>(&body)) return asio::buffer(**bytes);
  return {};
}

bool is_stream(const Response& response) {
  return std::holds_alternative<std::unique_ptr<EventSource>>(response.body);
}

class TcpConnection final : public Connection, public std::enable_shared_from_this<TcpConnection> {
 public:
  TcpConnection(asio::ip::tcp::socket socket, const ConnectionParts& parts)
      : transport_(std::move(socket), parts.tls),
        timer_(transport_.socket().get_executor()),
        next_look_(transport_.socket().get_executor()),
        application_(parts.application),
        limits_(parts.limits),
        pool_(parts.pool),
        budget_(parts.budget),
        server_ends_(parts.server_ends) {
    error_code ignored;
    peer_ = plain(transport_.socket().remote_endpoint(ignored).address());
    const auto local = transport_.socket().local_endpoint(ignored);
    local_address_ = plain(local.address());
    local_port_ = local.port();
  }

  Async<void> run() override;
  Async<void> turn_away(Error error) override;
  void close_soon() override;

 private:
  enum class Reading { done, refused, closed };
  // Why a message cannot be taken: it is no proper request, or its body went wrong.
  struct Refusal {
    HeadError head;
    std::optional<Error> error;
  };

  Async<error_code> receive(std::size_t bytes_max = kReadBytes);
  Async<Reading> read_head(Head& head, Refusal& refusal);
  bool may_have_asked();
  Async<Reading> read_body(const Head& head, Exchange& exchange, Refusal& refusal);
  Async<Result<void>> keep(std::string_view bytes, Exchange& exchange);
  Async<bool> ask_for_body();
  Async<bool> begin();
  Async<void> end();
  Async<bool> exchange_once();
  Async<Response> answer_watched(Exchange& exchange);
  void watch_client(std::stop_source gone);
  void look_at_client(std::uint64_t watch, std::stop_source gone);
  void unwatch_client();
  bool client_is_gone();
  Async<bool> write(const Head& head, Exchange& exchange, Response response, bool keep_alive);
  Async<bool> write_bytes(std::string_view head, asio::const_buffer body);
  Async<bool> write_events(EventSource& events, bool chunked, std::stop_token client_gone);
  static Async<void> take_leave(EventSource& events);
  Async<void> linger(milliseconds limit);

  void arm(milliseconds limit) { arm(steady_clock::now() + limit); }
  void arm(steady_clock::time_point end);
  void disarm() { is_armed_ = false; }
  void set_timer(steady_clock::time_point at);
  void cancel();

  Transport transport_;
  asio::steady_timer timer_;
  std::uint64_t timer_count_ = 0;  // of `set_timer`, so that a late one does nothing
  bool is_timer_set_ = false;
  bool is_armed_ = false;
  steady_clock::time_point deadline_;  // when armed
  bool expired_ = false;
  asio::steady_timer next_look_;
  std::uint64_t watch_ = 0;  // counts when the client is watched and when not any more
  IpAddress peer_;
  IpAddress local_address_;
  std::uint16_t local_port_ = 0;
  InputBuffer buffer_;
  Application& application_;
  const Limits& limits_;
  Pool& pool_;
  ByteBudget& budget_;
  const std::stop_token server_ends_;
  std::string head_text_;
  std::size_t begun_bytes_ = 0;  // of the reply, which `client_is_gone` has sent already
  bool idle_ = false;
  bool has_asked_ = false;  // at least once
  bool closing_ = false;
  steady_clock::time_point last_request_until_;  // when closing
};

// A deadline for whatever the socket does next: cancels it and leaves `expired_`. The timer is left
// where it is unless it would come too late, and looks at the deadline when it has come: several
// deadlines a request, all of them met, cost nothing.
void TcpConnection::arm(steady_clock::time_point end) {
  is_armed_ = true;
  expired_ = false;
  deadline_ = end;
  if (!is_timer_set_ || end < timer_.expiry()) set_timer(end);
}

void TcpConnection::set_timer(steady_clock::time_point at) {
  is_timer_set_ = true;
  timer_.expires_at(at);
  timer_.async_wait([weak = weak_from_this(), count = ++timer_count_](const error_code& error) {
    const auto self = weak.lock();
    if (error || !self || count != self->timer_count_) return;
    self->is_timer_set_ = false;
    if (!self->is_armed_) return;
    if (steady_clock::now() < self->deadline_) return self->set_timer(self->deadline_);
    self->expired_ = true;
    self->cancel();
  });
}

void TcpConnection::close_soon() {
  closing_ = true;
  last_request_until_ = steady_clock::now() + kLastRequestTimeout;
  if (idle_) cancel();
}

// Whatever the socket does.
void TcpConnection::cancel() {
  error_code ignored;
  transport_.socket().cancel(ignored);
}

Async<void> TcpConnection::run() {
  const auto self = shared_from_this();
  if (co_await begin()) {
    while (co_await exchange_once()) {
    }
  }
  co_await end();
}

Async<bool> TcpConnection::begin() {
  error_code ignored;
  transport_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
  if (!transport_.is_encrypted()) co_return true;
  arm(limits_.head_timeout);
  const error_code ec = co_await transport_.handshake();
  disarm();
  co_return !ec;
}

Async<void> TcpConnection::end() {
  if (transport_.is_encrypted()) {
    arm(limits_.farewell_timeout);
    co_await transport_.end_sending();
  }
  disarm();
  error_code ignored;
  transport_.socket().close(ignored);
}

Async<void> TcpConnection::turn_away(Error error) {
  const auto self = shared_from_this();
  if (co_await begin()) {
    Exchange exchange;
    exchange.peer = peer_;
    exchange.started = steady_clock::now();
    Response response = application_.refuse(exchange, error);
    application_.finish(exchange, response);
    const Head unread;
    if (co_await write(unread, exchange, std::move(response), false)) {
      co_await linger(limits_.farewell_timeout);
    }
  }
  co_await end();
}

// Reads on; the error when that fails, the end of the stream included.
Async<error_code> TcpConnection::receive(std::size_t bytes_max) {
  const std::span<char> room = buffer_.prepare(bytes_max);
  error_code ec;
  buffer_.commit(co_await transport_.read_some(asio::buffer(room.data(), room.size()), ec));
  co_return ec;
}

Async<TcpConnection::Reading> TcpConnection::read_head(Head& head, Refusal& refusal) {
  const auto refuse = [&](int status, std::string message) {
    refusal.head = {status, std::move(message)};
    return Reading::refused;
  };
  bool waiting = true;  // for the first byte of a request
  idle_ = true;
  buffer_.shrink(kIdleBytes);
  arm(limits_.idle_timeout);
  while (true) {
    std::string_view text = buffer_.text();
    // RFC 9112 2.2: an empty line before a request is skipped.
    while (text.starts_with("\r\n")) {
      buffer_.consume(2);
      text = buffer_.text();
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
          refusal.head = std::move(*failure);
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
    if (waiting && closing_) {
      if (!may_have_asked()) co_return Reading::closed;
      arm(last_request_until_);
    }
    if (const error_code ec = co_await receive(waiting ? kIdleBytes : kReadBytes)) {
      if (waiting && closing_ && !expired_ && ec == asio::error::operation_aborted) continue;
      if (expired_ && !waiting) co_return refuse(408, "the head of the request did not arrive");
      co_return Reading::closed;
    }
  }
}

// Whether a request may be on its way: that of a client which has connected for it, or bytes that
// have arrived and are not read yet.
bool TcpConnection::may_have_asked() {
  error_code ec;
  return !has_asked_ || transport_.socket().available(ec) > 0;
}

// Bytes of a body go where its route wants them. The client is read no faster than they go.
Async<Result<void>> TcpConnection::keep(std::string_view bytes, Exchange& exchange) {
  if (exchange.sink) {
    co_return co_await on_pool(pool_, [&] { return exchange.sink->take(bytes); });
  }
  if (exchange.route->body.kind == BodyKind::none) co_return Result<void>{};
  std::string& body = exchange.request.body;
  const std::size_t size = body.size() + bytes.size();
  if (size > body.capacity() && size > kUncountedBytes) {
    // Grows as a string does, so that a body which announces no length is not copied for each
    // piece.
    const std::size_t capacity =
        std::min(std::max(size, 2 * body.capacity()), exchange.route->body.bytes_max);
    exchange.held = {};
    auto hold = budget_.try_take(capacity);
    if (!hold) {
      co_return tl::unexpected(Error{.code = ErrorCode::unavailable,
                                     .message = "too many large requests are being read; try again "
                                                "in a moment"});
    }
    exchange.held = std::move(*hold);
    body.reserve(capacity);
  }
  body += bytes;
  co_return Result<void>{};
}

Async<bool> TcpConnection::ask_for_body() {
  // With its deadline: behind unread replies even these few bytes may find no room.
  arm(limits_.write_timeout);
  const std::array<asio::const_buffer, 2> parts = {asio::buffer(kContinue)};
  co_return !co_await transport_.write(parts);
}

Async<TcpConnection::Reading> TcpConnection::read_body(const Head& head, Exchange& exchange,
                                                       Refusal& refusal) {
  const BodyRule& rule = exchange.route->body;
  BodyFraming framing(head, rule.bytes_max);
  if (!framing.error() && head.expects_continue && buffer_.text().empty()) {
    if (!co_await ask_for_body()) co_return Reading::closed;
  }
  const std::stop_callback when_server_ends(server_ends_, [this] { cancel(); });
  const auto begin = steady_clock::now();
  std::uint64_t received = 0;
  std::string pieces;  // of one read together, so that tiny chunks cost no more than large ones
  while (true) {
    const std::string_view held = buffer_.text();
    std::string_view input = held;
    pieces.clear();
    for (auto piece = framing.next(input); !piece.empty(); piece = framing.next(input)) {
      pieces += piece;
    }
    buffer_.consume(held.size() - input.size());
    received += pieces.size();
    if (!pieces.empty()) {
      auto kept = co_await keep(pieces, exchange);
      if (!kept) {
        refusal.error = std::move(kept.error());
        co_return Reading::refused;
      }
    }
    if (framing.error()) {
      refusal.head = *framing.error();
      co_return Reading::refused;
    }
    if (framing.done()) break;
    // The slowest client that is waited for: nothing for the time of grace, and then its rate.
    arm(begin + limits_.body_timeout + milliseconds(received * 1000 / rule.bytes_per_s_min));
    const error_code ec = server_ends_.stop_requested() ? error_code() : co_await receive();
    if (server_ends_.stop_requested()) {
      refusal.error = stopping_error();
      co_return Reading::refused;
    }
    if (ec && !expired_ && ec != asio::error::eof) co_return Reading::closed;
    if (ec) {
      refusal.head = expired_ ? HeadError{408, "the body of the request did not arrive in time"}
                              : HeadError{400, "the body ended early"};
      co_return Reading::refused;
    }
  }
  if (exchange.sink) {
    auto finished = co_await on_pool(pool_, [&] { return exchange.sink->finish(); });
    if (!finished) {
      refusal.error = std::move(finished.error());
      co_return Reading::refused;
    }
  }
  co_return Reading::done;
}

// One request and its reply. False: the connection has ended.
Async<bool> TcpConnection::exchange_once() {
  Head head;
  Refusal refusal;
  Exchange exchange;
  exchange.peer = peer_;
  exchange.local_address = local_address_;
  exchange.local_port = local_port_;
  exchange.is_encrypted = transport_.is_encrypted();
  begun_bytes_ = 0;
  Reading reading = co_await read_head(head, refusal);
  has_asked_ = true;
  exchange.started = steady_clock::now();
  exchange.request = std::move(head.request);
  std::optional<Response> response;
  bool body_unread = head.has_body();
  if (reading == Reading::done) {
    disarm();
    response = co_await application_.before_body(exchange);
    if (!response && head.has_body()) {
      reading = co_await read_body(head, exchange, refusal);
      body_unread = reading != Reading::done;
    }
  }
  if (reading == Reading::closed) co_return false;
  disarm();
  if (refusal.error) {
    response = application_.refuse(exchange, *refusal.error);
  } else if (reading == Reading::refused) {
    response = application_.refuse(exchange, refusal.head);
    body_unread = true;
  } else if (!response) {
    response = co_await answer_watched(exchange);
  }
  application_.finish(exchange, *response);
  const bool keep_alive = reading == Reading::done && head.keep_alive && !body_unread &&
                          !response->close && !closing_ &&
                          !(head.version_1_0 && is_stream(*response));
  const bool written = co_await write(head, exchange, std::move(*response), keep_alive);
  if (written && body_unread) co_await linger(kLingerTimeout);
  co_return written&& keep_alive;
}

// The application's answer, while an eye is kept on the client.
Async<Response> TcpConnection::answer_watched(Exchange& exchange) {
  std::stop_source gone;
  exchange.client_gone = gone.get_token();
  exchange.server_ends = server_ends_;
  const std::stop_callback when_server_ends(server_ends_, [&gone] { gone.request_stop(); });
  watch_client(gone);
  Response response = co_await application_.answer(exchange);
  unwatch_client();
  co_return response;
}

// Requests a stop when the client has gone, until `unwatch_client`. The bytes of a pipelined
// request hide the end of the stream from a read, so the state of the connection is asked.
void TcpConnection::watch_client(std::stop_source gone) {
  transport_.socket().async_wait(
      asio::ip::tcp::socket::wait_read,
      [weak = weak_from_this(), watch = ++watch_, gone = std::move(gone)](const error_code&) {
        if (const auto self = weak.lock()) self->look_at_client(watch, gone);
      });
}

void TcpConnection::look_at_client(std::uint64_t watch, std::stop_source gone) {
  if (watch != watch_) return;
  if (client_is_gone()) gone.request_stop();
  next_look_.expires_after(kWatchInterval);
  next_look_.async_wait(
      [weak = weak_from_this(), watch, gone = std::move(gone)](const error_code& error) {
        if (const auto self = weak.lock(); self && !error) self->look_at_client(watch, gone);
      });
}

void TcpConnection::unwatch_client() {
  ++watch_;
  next_look_.cancel();
  cancel();
}

// To a client that sends no more the reply is begun with what every reply begins with, one byte at
// each look. Under TLS no byte can be sent alone, and a client that says no more has gone.
bool TcpConnection::client_is_gone() {
  const FarEnd end = far_end(transport_.socket());
  if (end == FarEnd::open) return false;
  if (end == FarEnd::gone || transport_.is_encrypted()) return true;
  if (begun_bytes_ == kVersion.size()) return false;
  const int sent = send_at_once(transport_.socket(), kVersion.substr(begun_bytes_, 1));
  if (sent < 0) return true;
  begun_bytes_ += static_cast<std::size_t>(sent);
  return false;
}

Async<bool> TcpConnection::write(const Head& head, Exchange& exchange, Response response,
                                 bool keep_alive) {
  const bool chunked = is_stream(response) && !head.version_1_0;
  const asio::const_buffer body = bytes_of(response.body);
  Framing framing{.keep_alive = keep_alive};
  if (chunked) {
    framing.body_field = "transfer-encoding: chunked\r\n";
  } else if (response.status != 204 && response.status != 304 && !is_stream(response)) {
    framing.body_field = fmt::format("content-length: {}\r\n", body.size());
  }
  const std::string text = serialize_head(response, framing);
  const bool head_only = exchange.request.method == "HEAD";
  if (!co_await write_bytes(std::string_view(text).substr(begun_bytes_),
                            head_only ? asio::const_buffer{} : body)) {
    co_return false;
  }
  if (!is_stream(response) || head_only) co_return true;
  std::stop_source gone;
  const std::stop_callback when_server_ends(server_ends_, [&gone] { gone.request_stop(); });
  auto& events = *std::get<std::unique_ptr<EventSource>>(response.body);
  begun_bytes_ = kVersion.size();  // nothing may be put between the events
  watch_client(gone);
  const bool is_whole = co_await write_events(events, chunked, gone.get_token());
  unwatch_client();
  co_return is_whole;
}

Async<bool> TcpConnection::write_bytes(std::string_view head, asio::const_buffer body) {
  const std::array<asio::const_buffer, 2> parts = {asio::buffer(head), body};
  arm(limits_.write_timeout + std::chrono::seconds(body.size() / limits_.write_bytes_per_s_min));
  const error_code ec = co_await transport_.write(parts);
  disarm();
  co_return !ec;
}

// Tells the source that its client has gone.
Async<void> TcpConnection::take_leave(EventSource& events) {
  std::stop_source gone;
  gone.request_stop();
  try {
    (void)co_await events.next(gone.get_token());
  } catch (const std::exception& caught) {
    log(LogLevel::error, "events_failed", "reason={:?}", caught.what());
  }
}

// Each event goes out at once, as a chunk where the client knows chunks, with a deadline of its
// own. False: the reply is not whole, and the client sees that by the missing end, unless it can
// be told.
Async<bool> TcpConnection::write_events(EventSource& events, bool chunked,
                                        std::stop_token client_gone) {
  while (true) {
    std::optional<std::string> event;
    try {
      event = co_await events.next(client_gone);
    } catch (const std::exception& caught) {
      log(LogLevel::error, "events_failed", "reason={:?}", caught.what());
      co_return false;
    }
    bool sent = false;
    if (!client_gone.stop_requested()) {
      if (!event) break;
      if (chunked) *event += "\r\n";
      const std::string size = chunked ? fmt::format("{:x}\r\n", event->size() - 2) : std::string();
      sent = co_await write_bytes(size, asio::buffer(*event));
    }
    if (sent) continue;
    co_await take_leave(events);
    if (server_ends_.stop_requested()) {
      std::string last = events.failed(stopping_error());
      const std::string size = chunked ? fmt::format("{:x}\r\n", last.size()) : std::string();
      if (chunked) last += "\r\n0\r\n\r\n";
      co_await write_bytes(size, asio::buffer(last));
    }
    co_return false;
  }
  if (!chunked) co_return true;
  co_return co_await write_bytes("0\r\n\r\n", {});
}

// Closing with unread bytes in the kernel resets the connection and the client may never see the
// reply, so these are read first.
Async<void> TcpConnection::linger(milliseconds limit) {
  arm(limit);
  co_await transport_.end_sending();
  error_code ec;
  std::size_t total = 0;
  while (!ec && !expired_ && total < kLingerBytesMax) {
    total += co_await transport_.socket().async_read_some(
        asio::buffer(thrown_away), asio::redirect_error(asio::use_awaitable, ec));
  }
}

}  // namespace

std::shared_ptr<Connection> make_connection(asio::ip::tcp::socket socket,
                                            const ConnectionParts& parts) {
  return std::make_shared<TcpConnection>(std::move(socket), parts);
}

}  // namespace imagined::api

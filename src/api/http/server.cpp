#include "api/http/server.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <optional>
#include <set>

#include "api/call/last_words.h"
#include "api/call/loop.h"
#include "api/http/connection.h"
#include "api/http/middleware.h"
#include "api/http/router.h"
#include "api/http/tally.h"
#include "api/listen/listener.h"
#include "api/listen/log_limit.h"
#include "api/listen/tls.h"
#include "base/log.h"

namespace imagined::api {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// What happens to a request before its body is read, in this order; the first that answers ends it.
constexpr BeforeBody kBeforeBody[] = {
    check_origin,        // 421, 429
    answer_preflight,    //
    find_route,          // 404, 405, 501
    authenticate,        // 401, before anything is read or parsed
    check_content_type,  // 415
    open_sink,           //
};

constexpr std::chrono::milliseconds kLogInterval{30'000};       // of what happens again and again
constexpr std::chrono::milliseconds kCountDownInterval{5'000};  // of a server that stops

// Peers that are told of in the log when they send fields which only trusted proxies may send.
constexpr std::size_t kUntrustedPeersMax = 16;

// What happens to every reply, in this order.
constexpr AfterAnswer kAfterAnswer[] = {
    add_request_id,  //
    add_cors,        //
    add_limits,      //
    add_duration,    //
    count_reply,     //
    write_log_line,
};

class Chain final : public Application {
 public:
  explicit Chain(const Context& context) : context_(context) {}

  Async<std::optional<Response>> before_body(Exchange& exchange) override {
    begin(context_, exchange);
    try {
      for (const BeforeBody step : kBeforeBody) {
        auto result = co_await step(context_, exchange);
        if (!result) co_return error_reply(context_, exchange, result.error());
        if (*result) co_return std::move(**result);
      }
    } catch (const std::exception& caught) {
      co_return accident(exchange, caught);
    }
    if (exchange.origin.fields_ignored) warn_of_untrusted(exchange.peer);
    co_return std::nullopt;
  }

  Async<Response> answer(Exchange& exchange) override {
    try {
      auto result = co_await exchange.route->handler(context_, exchange);
      if (result) co_return std::move(*result);
      const bool cut =
          exchange.server_ends.stop_requested() && result.error().code == ErrorCode::cancelled;
      co_return failure_reply(context_, exchange, cut ? stopping_error() : result.error());
    } catch (const std::exception& caught) {
      co_return accident(exchange, caught);
    }
  }

  Response refuse(Exchange& exchange, const HeadError& error) override {
    if (exchange.id.empty()) begin(context_, exchange);
    return refusal_reply(context_, exchange, error);
  }

  Response refuse(Exchange& exchange, const Error& error) override {
    if (exchange.id.empty()) begin(context_, exchange);
    Response response = error_reply(context_, exchange, error);
    response.close = true;
    return response;
  }

  void finish(const Exchange& exchange, Response& response) override {
    for (const AfterAnswer step : kAfterAnswer) step(context_, exchange, response);
  }

 private:
  // One of the three nets for what a library throws, on the loop or on a thread of the pool.
  Response accident(const Exchange& exchange, const std::exception& caught) const {
    return error_reply(context_, exchange,
                       Error{ErrorCode::internal, "something went wrong here", {}, caught.what()});
  }

  void warn_of_untrusted(const IpAddress& peer) {
    if (untrusted_.size() >= kUntrustedPeersMax || !untrusted_.insert(peer).second) return;
    log(LogLevel::warn, "forwarded_fields_ignored",
        "peer={} hint=\"links are made without them; a proxy is to be listed in trusted_proxies\"",
        peer.to_string());
  }

  const Context context_;
  std::set<IpAddress> untrusted_;
};

}  // namespace

class HttpServer::Loop {
 public:
  Loop(ServerOptions options, Services services)
      : options_(std::move(options)),
        services_(std::move(services)),
        pool_(options_.pool_threads),
        fetch_pool_(options_.fetch_threads),
        upload_pool_(options_.upload_threads),
        chain_({{services_, options_.answers.wait, pool_, fetch_pool_},
                options_.answers,
                options_.limits,
                budget_,
                upload_pool_,
                clients_,
                tally_}) {}

  Result<void> listen();
  std::uint16_t port() const { return listener_.port(); }
  void run();
  void stop() {
    asio::post(io_, [this] { begin_stop(); });
  }

 private:
  // Open connections of one sort; each is out of it when it has ended.
  using Connections = std::set<std::shared_ptr<Connection>>;

  void admit(tcp::socket socket, Listener::Place place);
  void turn_away(tcp::socket socket, Error error);
  void run_among(Connections& connections, const std::shared_ptr<Connection>& connection,
                 Async<void> work, Listener::Place place);
  void take_in_guest();
  void look_after_guest();
  void begin_stop();
  void count_down(std::chrono::milliseconds left);
  void end_replies();
  void end_when_idle();
  ConnectionParts parts() {
    return {chain_,
            options_.limits,
            pool_,
            budget_,
            ends_.get_token(),
            certificate_ ? certificate_->current(std::chrono::steady_clock::now()) : nullptr};
  }

  const ServerOptions options_;
  const Services services_;
  // What coroutines hold of these is given back when the context of the loop is destroyed.
  ByteBudget budget_{options_.limits.held_bytes_max};
  AddressCounts clients_{options_.limits.connections_per_address_max};
  Tally tally_;
  asio::io_context io_{1};
  Listener listener_{
      io_,
      {.connections_max = options_.limits.connections_max,
       .connections_per_address_max = options_.limits.connections_per_address_max,
       .trusted_proxies = options_.answers.trusted_proxies},
      {.let_in = [this](tcp::socket socket,
                        Listener::Place place) { admit(std::move(socket), std::move(place)); },
       .turn_away = [this](tcp::socket socket,
                           Error error) { turn_away(std::move(socket), std::move(error)); }}};
  const std::chrono::milliseconds last_words_ = last_words(options_.drain_timeout);
  std::stop_source ends_;
  asio::steady_timer drain_{io_};
  std::optional<asio::posix::stream_descriptor> guest_;
  bool is_guest_heard_ = false;
  std::optional<Certificate> certificate_;  // none: in the clear
  bool stopping_ = false;
  Connections connections_;
  Connections turned_away_;  // being told why
  LogLimit drops_{kLogInterval};
  Pool pool_;
  Pool fetch_pool_;
  Pool upload_pool_;
  Chain chain_;
};

Result<void> HttpServer::Loop::listen() {
  const TlsOptions tls{.certificate_file = options_.tls_certificate_file,
                       .key_file = options_.tls_key_file};
  if (tls.is_set()) certificate_.emplace(TRY(Certificate::load(tls)));
  return listener_.take_port(options_.host, options_.port, "http_listen");
}

void HttpServer::Loop::admit(tcp::socket socket, Listener::Place place) {
  const auto connection = make_connection(std::move(socket), parts());
  run_among(connections_, connection, connection->run(), std::move(place));
  if (stopping_) connection->close_soon();
}

// A client that is not let in is told why, as long as few are being told.
void HttpServer::Loop::turn_away(tcp::socket socket, Error error) {
  if (static_cast<int>(turned_away_.size()) >= options_.limits.turned_away_max) {
    if (const auto count = drops_.happened(std::chrono::steady_clock::now())) {
      log(LogLevel::warn, "clients_dropped", "count={} reason={:?}", *count, error.message);
    }
    return;
  }
  const auto connection = make_connection(std::move(socket), parts());
  run_among(turned_away_, connection, connection->turn_away(std::move(error)), {});
}

// Counted from now on, and not when the loop comes to it: many may be taken before that.
void HttpServer::Loop::run_among(Connections& connections,
                                 const std::shared_ptr<Connection>& connection, Async<void> work,
                                 Listener::Place place) {
  connections.insert(connection);
  tally_.connected();
  auto ended = [this, &connections, connection,
                place = std::move(place)](std::exception_ptr caught) {
    connections.erase(connection);
    tally_.disconnected();
    end_when_idle();
    if (caught) std::rethrow_exception(caught);  // to the net of the loop
  };
  try {
    asio::co_spawn(io_, std::move(work), std::move(ended));
  } catch (const std::exception& failure) {  // no memory for it
    log(LogLevel::error, "connection_failed", "reason={:?}", failure.what());
    connections.erase(connection);
    tally_.disconnected();
  }
}

void HttpServer::Loop::begin_stop() {
  if (stopping_) return;
  stopping_ = true;
  for (const auto& connection : connections_) connection->close_soon();
  listener_.close();
  count_down(options_.drain_timeout);
  asio::post(io_, [this] { end_when_idle(); });  // behind a client that was accepted just now
}

// Says every few seconds how long replies in work still have. On the loop's own timer, for on the
// way out there may be no memory for a thread.
void HttpServer::Loop::count_down(std::chrono::milliseconds left) {
  log(LogLevel::info, "stopping", "waits_at_most_s={} hint=\"again Ctrl-C ends at once\"",
      left.count() / 1000);
  const std::chrono::milliseconds pause = std::min(left - last_words_, kCountDownInterval);
  drain_.expires_after(pause);
  drain_.async_wait([this, left = left - pause](const boost::system::error_code& error) {
    if (error) return;
    if (left > last_words_) return count_down(left);
    end_replies();
  });
}

void HttpServer::Loop::end_replies() {
  ends_.request_stop();
  drain_.expires_after(last_words_);
  drain_.async_wait([this](const boost::system::error_code& error) {
    if (!error) io_.stop();
  });
}

void HttpServer::Loop::end_when_idle() {
  if (stopping_ && connections_.empty()) io_.stop();
}

void HttpServer::Loop::take_in_guest() {
  if (!options_.guest.move) return;
  const int fd = ::dup(options_.guest.fd);  // the one here is closed with the loop
  if (fd < 0) return;
  guest_.emplace(io_, fd);
  options_.guest.move(true);
}

void HttpServer::Loop::look_after_guest() {
  if (!guest_ || is_guest_heard_) return;
  guest_->async_wait(asio::posix::descriptor_base::wait_read,
                     [this](const boost::system::error_code& error) {
                       is_guest_heard_ = false;
                       if (error) return;
                       options_.guest.drive();
                       look_after_guest();
                     });
  is_guest_heard_ = true;
}

void HttpServer::Loop::run() {
  take_in_guest();
  run_loop(io_, [this] {
    listener_.accept();
    look_after_guest();
  });
  if (guest_) options_.guest.move(false);
  pool_.join();
  fetch_pool_.join();
  upload_pool_.join();
}

Result<void> check_certificate(const std::string& certificate_file, const std::string& key_file) {
  TlsOptions tls{certificate_file, key_file};
  if (tls.is_set()) TRY(Certificate::load(std::move(tls)));
  return {};
}

HttpServer::HttpServer(ServerOptions options, Services services)
    : loop_(std::make_unique<Loop>(std::move(options), std::move(services))) {}
HttpServer::~HttpServer() = default;

Result<void> HttpServer::listen() { return loop_->listen(); }
std::uint16_t HttpServer::port() const { return loop_->port(); }
void HttpServer::run() { loop_->run(); }
void HttpServer::stop() { loop_->stop(); }

}  // namespace imagined::api

#include "api/http/server.h"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <map>
#include <set>

#include "api/http/connection.h"
#include "api/http/middleware.h"
#include "api/http/router.h"
#include "base/log.h"

namespace imagined::api {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

// What happens to a request before its body is read, in this order; the first that answers ends it.
constexpr BeforeBody kBeforeBody[] = {
    answer_preflight,    //
    find_route,          // 404, 405
    authenticate,        // 401, before anything is read or parsed
    check_content_type,  // 415
};

// What happens to every reply, in this order.
constexpr AfterAnswer kAfterAnswer[] = {
    add_request_id,  //
    add_cors,        //
    add_duration,    //
    write_log_line,
};

class Chain final : public Application {
 public:
  Chain(const Services& services, const AnswerOptions& options, Pool& pool)
      : context_{services, options, pool} {}

  Async<std::optional<Response>> before_body(Exchange& exchange) override {
    begin(context_, exchange);
    for (const BeforeBody step : kBeforeBody) {
      auto result = co_await step(context_, exchange);
      if (!result) co_return error_reply(exchange, result.error());
      if (*result) co_return std::move(**result);
    }
    co_return std::nullopt;
  }

  Async<Response> answer(Exchange& exchange) override {
    try {
      auto result = co_await exchange.route->handler(context_, exchange);
      if (result) co_return std::move(*result);
      co_return error_reply(exchange, result.error());
    } catch (const std::exception& caught) {
      // One of the three nets for what a library throws.
      co_return error_reply(
          exchange, Error{ErrorCode::internal, "something went wrong here", {}, caught.what()});
    }
  }

  Response refuse(Exchange& exchange, const HeadError& error) override {
    if (exchange.id.empty()) begin(context_, exchange);
    return refusal_reply(exchange, error);
  }

  void finish(const Exchange& exchange, Response& response) override {
    for (const AfterAnswer step : kAfterAnswer) step(context_, exchange, response);
  }

 private:
  const Context context_;
};

}  // namespace

class HttpServer::Loop {
 public:
  Loop(ServerOptions options, Services services)
      : options_(std::move(options)),
        services_(std::move(services)),
        pool_(options_.pool_threads),
        chain_(services_, options_.answers, pool_) {}

  Result<void> listen();
  std::uint16_t port() const { return port_; }
  void run();
  void stop() {
    asio::post(io_, [this] { begin_stop(); });
  }

 private:
  Async<void> accept_clients();
  Async<void> serve_client(tcp::socket socket);
  bool admit(const tcp::socket& socket);
  void begin_stop();
  void end_when_idle();

  const ServerOptions options_;
  const Services services_;
  asio::io_context io_{1};
  tcp::acceptor acceptor_{io_};
  asio::steady_timer drain_{io_};
  std::uint16_t port_ = 0;
  bool stopping_ = false;
  std::set<std::shared_ptr<Connection>> connections_;
  std::map<asio::ip::address, int> per_address_;
  Pool pool_;
  Chain chain_;
};

Result<void> HttpServer::Loop::listen() {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(options_.host, error);
  if (error) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("\"{}\" is not an IP address", options_.host), "http_listen");
  }
  const tcp::endpoint endpoint(address, options_.port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    return fail(ErrorCode::unavailable, fmt::format("cannot listen on {}:{}: {}", options_.host,
                                                    options_.port, error.message()));
  }
  port_ = acceptor_.local_endpoint().port();
  return {};
}

bool HttpServer::Loop::admit(const tcp::socket& socket) {
  boost::system::error_code error;
  const auto peer = socket.remote_endpoint(error).address();
  if (error || stopping_) return false;
  if (static_cast<int>(connections_.size()) >= options_.limits.connections_max) return false;
  // Tools behind one loopback address are one machine's own; a proxy runs there too.
  if (peer.is_loopback()) return true;
  const auto known = per_address_.find(peer);
  return known == per_address_.end() || known->second < options_.limits.connections_per_address_max;
}

Async<void> HttpServer::Loop::accept_clients() {
  while (true) {
    boost::system::error_code error;
    tcp::socket socket =
        co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (stopping_) co_return;
    if (error) {
      // Out of descriptors, most likely: wait instead of spinning.
      log(LogLevel::warn, "accept_failed", "reason={:?}", error.message());
      asio::steady_timer pause(io_, std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    if (!admit(socket)) continue;
    asio::co_spawn(io_, serve_client(std::move(socket)), asio::detached);
  }
}

Async<void> HttpServer::Loop::serve_client(tcp::socket socket) {
  boost::system::error_code ignored;
  const auto peer = socket.remote_endpoint(ignored).address();
  const auto connection = make_connection(std::move(socket), chain_, options_.limits);
  connections_.insert(connection);
  ++per_address_[peer];
  try {
    co_await connection->run();
  } catch (const std::exception& caught) {
    log(LogLevel::error, "connection_failed", "reason={:?}", caught.what());
  }
  connections_.erase(connection);
  if (--per_address_[peer] == 0) per_address_.erase(peer);
  end_when_idle();
}

void HttpServer::Loop::begin_stop() {
  if (stopping_) return;
  stopping_ = true;
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  for (const auto& connection : connections_) connection->close_soon();
  drain_.expires_after(options_.drain_timeout);
  drain_.async_wait([this](const boost::system::error_code& error) {
    if (!error) io_.stop();
  });
  end_when_idle();
}

void HttpServer::Loop::end_when_idle() {
  if (stopping_ && connections_.empty()) io_.stop();
}

void HttpServer::Loop::run() {
  asio::co_spawn(io_, accept_clients(), asio::detached);
  io_.run();
  pool_.join();
}

HttpServer::HttpServer(ServerOptions options, Services services)
    : loop_(std::make_unique<Loop>(std::move(options), std::move(services))) {}
HttpServer::~HttpServer() = default;

Result<void> HttpServer::listen() { return loop_->listen(); }
std::uint16_t HttpServer::port() const { return loop_->port(); }
void HttpServer::run() { loop_->run(); }
void HttpServer::stop() { loop_->stop(); }

}  // namespace imagined::api

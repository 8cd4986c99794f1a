#include "api/listen/listener.h"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include "api/call/own_url.h"
#include "base/log.h"

namespace imagined::api {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::chrono::milliseconds kAcceptPause{100};     // after a failure
constexpr std::chrono::milliseconds kLogInterval{30'000};  // of what happens again and again

}  // namespace

Listener::Listener(asio::io_context& io, ListenRules rules, Handlers handlers)
    : io_(io),
      rules_(std::move(rules)),
      acceptor_(io),
      handlers_(std::move(handlers)),
      open_(std::make_shared<Counts>(rules_.connections_per_address_max)),
      accept_failures_(kLogInterval) {}

Result<void> Listener::take_port(const std::string& host, std::uint16_t port,
                                 std::string_view setting) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(host, error);
  if (error) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: \"{}\" is not an IP address", setting, host),
                std::string(setting));
  }
  const tcp::endpoint endpoint(address, port);
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) {
    const bool is_taken = error == asio::error::address_in_use;
    return fail(
        ErrorCode::unavailable,
        fmt::format(
            "cannot listen on {}: {}{}", authority_of_endpoint(host, port), error.message(),
            is_taken ? fmt::format("; {} takes another, and port 0 a free one", setting) : ""),
        std::string(setting));
  }
  port_ = acceptor_.local_endpoint().port();
  return {};
}

void Listener::accept() {
  if (accepting_ || closed_) return;
  asio::co_spawn(io_, accept_clients(), [](std::exception_ptr caught) {
    if (caught) std::rethrow_exception(caught);  // to the net of the loop
  });
  accepting_ = true;
}

void Listener::close() {
  if (closed_) return;
  closed_ = true;
  boost::system::error_code error;
  // Those whom the system has let in already may have sent a request: closing would break it.
  acceptor_.non_blocking(true, error);
  while (!error) {
    Socket socket(io_);
    acceptor_.accept(socket, error);
    if (!error) admit(std::move(socket));
  }
  acceptor_.close(error);
}

void Listener::admit(Socket socket) {
  boost::system::error_code error;
  const auto peer = plain(socket.remote_endpoint(error).address());
  if (error) return;
  if (open_->all >= rules_.connections_max) {
    return handlers_.turn_away(
        std::move(socket),
        {ErrorCode::unavailable,
         fmt::format("all {} connections of this server are in use", rules_.connections_max)});
  }
  Place place;
  place.of_all_ = std::shared_ptr<void>(nullptr, [open = open_](void*) { --open->all; });
  ++open_->all;
  if (!peer.is_loopback() && !rules_.trusted_proxies.contains(peer)) {
    auto entered = open_->from.enter(peer);
    if (!entered) {
      return handlers_.turn_away(
          std::move(socket),
          {ErrorCode::resource_exhausted,
           fmt::format("this address has {} connections open, and no more are taken",
                       rules_.connections_per_address_max)});
    }
    place.of_address_ = std::move(*entered);
  }
  handlers_.let_in(std::move(socket), std::move(place));
}

Async<void> Listener::accept_clients() {
  // Also where there is no memory to say how it has ended.
  const std::shared_ptr<void> until_the_end(nullptr, [this](void*) { accepting_ = false; });
  while (!closed_) {
    const bool accepted = co_await accept_one();
    if (accepted || closed_) continue;
    boost::system::error_code ignored;
    asio::steady_timer pause(io_, kAcceptPause);  // instead of spinning
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

// False: the system gives none at the moment, for want of descriptors most likely.
Async<bool> Listener::accept_one() {
  boost::system::error_code error;
  Socket socket = co_await acceptor_.async_accept(asio::redirect_error(asio::use_awaitable, error));
  if (!error) admit(std::move(socket));  // also the last one, accepted before `close`
  if (!error || closed_) co_return true;
  if (const auto count = accept_failures_.happened(std::chrono::steady_clock::now())) {
    log(LogLevel::warn, "accept_failed", "port={} count={} reason={:?} connections={}", port_,
        *count, error.message(), open_->all);
  }
  co_return false;
}

}  // namespace imagined::api

// The port of a face, and how many connections are taken there.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "api/call/async.h"
#include "api/listen/address_counts.h"
#include "api/listen/log_limit.h"
#include "api/listen/proxy_list.h"
#include "base/result.h"

namespace imagined::api {

struct ListenRules {
  int connections_max = 10'000;
  // Not of trusted proxies, behind which the clients count, nor of what runs on this very machine.
  int connections_per_address_max = 256;
  ProxyList trusted_proxies;
};

/// Only for the thread of the event loop.
class Listener {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  /// A connection's place among those that are taken, free again with the destructor.
  class Place {
   private:
    friend class Listener;
    std::shared_ptr<void> of_all_;
    AddressCounts::Place of_address_;  // given back first
  };

  struct Handlers {
    std::function<void(Socket, Place)> let_in;
    /// Of a client that finds no place: why.
    std::function<void(Socket, Error)> turn_away;
  };

  Listener(boost::asio::io_context& io, ListenRules rules, Handlers handlers);

  /// Takes the port. `invalid_argument` for a host that is no literal address, `unavailable` when
  /// it cannot be listened on; both name `setting`.
  Result<void> take_port(const std::string& host, std::uint16_t port, std::string_view setting);
  std::uint16_t port() const { return port_; }

  /// From now on each client that comes is handed over, until `close`. Again after an exception has
  /// come out of the loop; harmless when it goes on already.
  void accept();
  /// Hands over those who wait in the system's queue, then takes nobody any more.
  void close();
  bool is_closed() const { return closed_; }

 private:
  struct Counts {
    explicit Counts(int per_address_max) : from(per_address_max) {}
    int all = 0;
    AddressCounts from;
  };

  Async<void> accept_clients();
  Async<bool> accept_one();
  void admit(Socket socket);

  boost::asio::io_context& io_;
  const ListenRules rules_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  const Handlers handlers_;
  bool accepting_ = false;
  bool closed_ = false;
  const std::shared_ptr<Counts> open_;
  LogLimit accept_failures_;
};

}  // namespace imagined::api

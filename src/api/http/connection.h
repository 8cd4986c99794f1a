// One client's connection: reads requests one after the other, hands them to the application and
// writes what it answers.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>

#include "api/call/async.h"
#include "api/http/exchange.h"
#include "api/http/head.h"
#include "api/http/limits.h"

namespace imagined::api {

struct TlsContext;

/// What the connection asks for each request, in this order.
class Application {
 public:
  virtual ~Application() = default;
  /// Looks at a head before the body is read; a reply here ends the request. Without one the body
  /// is read by the rule of `exchange.route`, into `exchange.sink` where that is set.
  virtual Async<std::optional<Response>> before_body(Exchange& exchange) = 0;
  virtual Async<Response> answer(Exchange& exchange) = 0;
  /// The reply to a message that is no proper request.
  virtual Response refuse(Exchange& exchange, const HeadError& error) = 0;
  /// The reply to a client that is not heard, or whose body could not be taken.
  virtual Response refuse(Exchange& exchange, const Error& error) = 0;
  /// Adds the fields that every reply carries, and writes the log line.
  virtual void finish(const Exchange& exchange, Response& response) = 0;
};

/// What a connection uses and does not own; all of it must outlive the connection.
struct ConnectionParts {
  Application& application;
  const Limits& limits;
  Pool& pool;
  ByteBudget& budget;
  std::stop_token server_ends;                // see `Call`
  std::shared_ptr<TlsContext> tls = nullptr;  // null: in the clear
};

class Connection {
 public:
  virtual ~Connection() = default;
  /// Runs until the connection has ended. Once.
  virtual Async<void> run() = 0;
  /// Instead of `run`: answers with `error`, whatever is asked, and ends.
  virtual Async<void> turn_away(Error error) = 0;
  /// Ends it now when it waits for a request, else after the reply in work. That has until
  /// `server_ends` is requested: then it becomes one that says so.
  virtual void close_soon() = 0;
};

std::shared_ptr<Connection> make_connection(boost::asio::ip::tcp::socket socket,
                                            const ConnectionParts& parts);

}  // namespace imagined::api

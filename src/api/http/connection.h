// One client's connection: reads requests one after the other, hands them to the application and
// writes what it answers. The only header between Beast and the rest of the program.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <memory>
#include <optional>

#include "api/http/async.h"
#include "api/http/exchange.h"
#include "api/http/head.h"
#include "api/http/limits.h"

namespace imagined::api {

/// What the connection asks for each request, in this order.
class Application {
 public:
  virtual ~Application() = default;
  /// Looks at a head before the body is read; a reply here ends the request.
  virtual Async<std::optional<Response>> before_body(Exchange& exchange) = 0;
  virtual Async<Response> answer(Exchange& exchange) = 0;
  /// The reply to a message that is no proper request.
  virtual Response refuse(Exchange& exchange, const HeadError& error) = 0;
  /// Adds the fields that every reply carries, and writes the log line.
  virtual void finish(const Exchange& exchange, Response& response) = 0;
};

class Connection {
 public:
  virtual ~Connection() = default;
  /// Runs until the connection has ended. Once.
  virtual Async<void> run() = 0;
  /// Ends it now when it waits for a request, else after the reply in work.
  virtual void close_soon() = 0;
};

/// `application` and `limits` must outlive the connection.
std::shared_ptr<Connection> make_connection(boost::asio::ip::tcp::socket socket,
                                            Application& application, const Limits& limits);

}  // namespace imagined::api

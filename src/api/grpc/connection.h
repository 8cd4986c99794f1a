// One client's connection. We take it, encrypt it and look at its frames; the library gets the
// other end of a pair of sockets.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>

#include "api/call/async.h"
#include "api/grpc/call_times.h"
#include "api/grpc/peers.h"

namespace imagined::api {

struct TlsContext;

/// How a server that stops parts with its connections: cancelling a timer wakes all who wait.
struct Parting {
  explicit Parting(boost::asio::io_context& io)
      : stopping(io, boost::asio::steady_timer::time_point::max()),
        now(io, boost::asio::steady_timer::time_point::max()) {}
  boost::asio::steady_timer stopping;  // ends those that have not begun
  boost::asio::steady_timer now;       // ends all
};

/// What a connection uses; `peers` and `parting` must outlive it.
struct GrpcConnectionParts {
  std::shared_ptr<TlsContext> tls;              // null: in the clear
  std::function<void(int descriptor)> to_grpc;  // gives away a connected, non-blocking socket
  Peers& peers;
  Parting& parting;
  CallTimes times;
  std::function<void()> on_refusal;  // the library has refused a call by itself
};

/// Runs until the connection has ended: by one of its ends, or by us, because the client asks for
/// what no client needs (`FrameGuard`), does not begin, does not read, or does not come to an end
/// with what it asks. One that only says that it sends no more has its replies.
Async<void> pass_to_grpc(boost::asio::ip::tcp::socket socket, GrpcConnectionParts parts);

}  // namespace imagined::api

// The face that xAI's own SDK speaks: gRPC, one file per service of `proto/`.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "api/call/call.h"
#include "api/grpc/call_times.h"
#include "api/listen/listener.h"
#include "base/result.h"

namespace imagined::api {

struct GrpcOptions {
  std::string host = "127.0.0.1";  // a literal address
  std::uint16_t port = 50051;      // 0: a free one
  std::string public_url;          // base of links; empty: where HTTP answers
  std::string http_host;           // its address; empty: it answers under every name that we do
  std::uint16_t http_port = 8080;
  std::string tls_certificate_file;  // PEM, of HTTP too; empty: no TLS
  std::string tls_key_file;
  bool moderated_is_kept_back = false;  // what moderation refuses is no error: empty pictures
  WaitTimes wait;
  int pool_threads = 4;
  int fetch_threads = 4;
  std::chrono::milliseconds drain_timeout{30'000};  // for calls in work when stopping
  ListenRules connections{.connections_max = 1'000};
  CallTimes times;
  std::chrono::milliseconds ping_interval{10'000};  // without data; more pings end the connection
};

class GrpcServer {
 public:
  /// `services` must outlive the server.
  GrpcServer(GrpcOptions options, Services services);
  ~GrpcServer();
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  /// Takes the port and answers from now on, on threads of its own. `invalid_argument` for an
  /// address that is none, or files of TLS that cannot be used, `unavailable` when it cannot be
  /// listened on.
  Result<void> start();
  /// The port that was taken.
  std::uint16_t port() const;

  /// How many calls have ended how, and how many connections are open. Any thread.
  service::Gauges gauges() const;

  /// Takes no new calls; those in work have `drain_timeout`, at whose end they are UNAVAILABLE.
  /// Does not wait. Any thread; twice is harmless.
  void stop();
  /// Until no call is in work. After `stop`.
  void join();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace imagined::api

// The HTTP server: one event loop on one thread, a bounded pool for what blocks, and the one
// ordered list of what happens to each request (server.cpp).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "api/http/exchange.h"
#include "api/http/limits.h"
#include "base/result.h"

namespace imagined::api {

/// What else runs on the loop, as long as that runs: what waits for other servers.
struct LoopGuest {
  std::function<void(bool is_here)> move;  // empty: there is none
  std::function<void()> drive;             // whenever the descriptor is readable; never blocks
  int fd = -1;
};

struct ServerOptions {
  std::string host = "127.0.0.1";  // a literal address
  std::uint16_t port = 8080;       // 0: a free one
  int pool_threads = 16;
  int fetch_threads = 8;   // requests that wait for other machines at a time
  int upload_threads = 8;  // of their own: what a slow address holds up is no request's input
  std::chrono::milliseconds drain_timeout{30'000};  // for replies in work when stopping
  Limits limits;
  AnswerOptions answers;
  std::string tls_certificate_file;  // with its key: TLS; with none of both: in the clear
  std::string tls_key_file;
  LoopGuest guest;
};

/// What is wrong with the files of TLS, as `HttpServer::listen` says it; neither file is right.
Result<void> check_certificate(const std::string& certificate_file, const std::string& key_file);

class HttpServer {
 public:
  /// `services` must outlive the server.
  HttpServer(ServerOptions options, Services services);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Reads the certificate and takes the port. `invalid_argument` for an address that is none, or
  /// files that cannot be used, `unavailable` when it cannot
  /// be listened on.
  Result<void> listen();
  /// The port that was taken.
  std::uint16_t port() const;

  /// Answers until `stop` was called and every reply in work is written (or `drain_timeout` has
  /// passed). Runs the loop on the calling thread. Once.
  void run();
  /// Any thread; twice is harmless, before `run` too.
  void stop();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace imagined::api

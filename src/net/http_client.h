// POST to services that an operator has named: whose addresses are his business, unlike those of
// strangers' URLs (fetcher.h).
#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace imagined::net {

struct HttpPost {
  std::string url;                   // http or https
  std::vector<std::string> headers;  // "name: value"
  std::string body;
  std::chrono::milliseconds timeout{2'000};  // of everything together
  std::size_t answer_bytes_max = 1u << 20;
};

struct HttpAnswer {
  int status = 0;
  std::string body;
};

/// Keeps its connections for the next call. Any number of threads at a time; calls block.
class HttpClient {
 public:
  /// ca_file: certificates to trust; empty: the system's.
  explicit HttpClient(std::string ca_file = {});
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  /// Whatever status it has. `unavailable` when no whole answer came in time; the detail says why.
  /// No redirects, no proxy, no cookies.
  Result<HttpAnswer> post(const HttpPost& request);

 private:
  class Handle;

  const std::string ca_file_;
  std::mutex mutex_;
  std::vector<void*> idle_;  // CURL*, with their connections
};

}  // namespace imagined::net

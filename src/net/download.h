// GET of large files from servers that an operator has named, and of where those send us.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined::net {

struct DownloadRequest {
  std::string url;         // http or https
  std::string token;       // "Authorization: Bearer", for the origin of `url` alone; empty: none
  std::uint64_t from = 0;  // the first byte that is wanted
  std::stop_token stop = {};
};

/// What was said before the bytes.
struct DownloadHead {
  int status = 0;  // of the last answer
  /// Names in lower case. A field of an answer that redirects stays unless a later one has it too,
  /// but for those that speak of the body.
  std::map<std::string, std::string, std::less<>> fields;

  std::string_view field(std::string_view name) const;
};

struct DownloadSink {
  /// Called once, for an answer 200 or 206; an error ends the transfer and becomes its error.
  std::function<Result<void>(const DownloadHead&)> begin;
  std::function<Result<void>(std::span<const std::uint8_t>)> take;  // the same
};

/// Keeps its connections. One transfer at a time.
class Downloader {
 public:
  Downloader();
  ~Downloader();
  Downloader(const Downloader&) = delete;
  Downloader& operator=(const Downloader&) = delete;

  /// At most ten redirects, never from https to http. The body of any answer but 200 and 206 is
  /// passed over. Blocks; `cancelled` when stopped, `unavailable` when no whole answer came, with
  /// the reason in the message: this is said to the operator. Proxies are those that libcurl finds
  /// in the environment.
  Result<DownloadHead> get(const DownloadRequest& request, const DownloadSink& sink);

 private:
  struct Handle;
  std::unique_ptr<Handle> handle_;
};

}  // namespace imagined::net

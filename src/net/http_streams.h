// Requests to servers that an operator has named, whose answers come piece by piece: many at a time
// on one thread of its own, or on the loop of somebody who has one. Whole answers are
// http_client.h's.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"

namespace imagined::net {

struct StreamPost {
  std::string url;                          // http or https
  std::vector<std::string> headers;         // "name: value"
  std::shared_ptr<const std::string> body;  // none: it is a GET
  std::string ca_file;                      // certificates to trust; empty: the system's
};

/// What has come since the last look.
struct StreamNews {
  int status = 0;  // 0: the head has not come yet
  std::string content_type;
  std::string retry_after;
  std::string bytes;
  bool ended = false;
  std::optional<Error> error;  // `unavailable`; the detail says why
};

class HttpStreams {
 public:
  struct Options {
    std::chrono::milliseconds connect_timeout{5'000};
    std::chrono::seconds silence_max{300};       // without a byte
    std::size_t untaken_bytes_max = 256 * 1024;  // of one answer; then it is not read on
  };

  HttpStreams() : HttpStreams(Options()) {}
  explicit HttpStreams(Options options);
  /// Ends what is under way.
  ~HttpStreams();
  HttpStreams(const HttpStreams&) = delete;
  HttpStreams& operator=(const HttpStreams&) = delete;

  struct Transfer;

  /// One answer; its destructor ends the request.
  class Stream {
   public:
    Stream(HttpStreams& streams, std::shared_ptr<Transfer> transfer)
        : streams_(streams), transfer_(std::move(transfer)) {}
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    /// Never blocks.
    StreamNews take();

   private:
    HttpStreams& streams_;
    std::shared_ptr<Transfer> transfer_;
  };

  /// No redirects, no proxy, no cookies. `on_news` may be called from any thread, also before this
  /// returns and perhaps once more after the stream is gone; it must not call the streams. The
  /// stream must not outlive this.
  std::unique_ptr<Stream> post(StreamPost post, std::function<void()> on_news);

  /// Lent, they are gone on with by whoever calls `drive` as soon as `fd` is readable; an answer
  /// then reaches its reader without a change of threads, and the thread of their own, which else
  /// does it, rests when this returns.
  void lend(bool is_lent);
  int fd() const;
  /// What can be done now. Never blocks; any thread.
  void drive();

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace imagined::net

#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace imagined::service {

/// One request to another server, as it is sent.
struct UpstreamPost {
  std::string url;
  std::vector<std::string> headers;         // "name: value"
  std::shared_ptr<const std::string> body;  // none: it is a GET
  std::string ca_file;  // of who vouches for its certificate; empty: the system's
};

/// What has come of an answer since the last look.
struct UpstreamNews {
  int status = 0;              // 0: its head has not come yet
  std::string content_type;    // with the status
  std::string retry_after;     // the same
  std::string bytes;           // of the body
  bool ended = false;          // nothing comes after this
  std::optional<Error> error;  // why it ended before its end; `unavailable`
};

/// An answer on its way; its end, before or after that of the answer, is the end of the request.
class UpstreamAnswer {
 public:
  virtual ~UpstreamAnswer() = default;
  /// Never blocks. What is not taken is not read from the other server either, but for a little.
  virtual UpstreamNews take() = 0;
};

/// Talks to servers that an operator has named. Any thread; nothing blocks.
class UpstreamClient {
 public:
  virtual ~UpstreamClient() = default;
  /// `on_news` is called from any thread, whenever `take` has something new, also before this
  /// returns; it must not block or call the client, and may be called once more after the answer is
  /// gone.
  virtual std::unique_ptr<UpstreamAnswer> post(UpstreamPost post,
                                               std::function<void()> on_news) = 0;
};

}  // namespace imagined::service

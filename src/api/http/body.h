// What a request carries to the server and a reply back, beyond a string.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "api/call/async.h"
#include "base/result.h"

namespace imagined::api {

/// Where the bytes of a body go as they arrive, for bodies that are not to be held in memory.
/// The calls come one after the other on a thread of the pool and may block: the client is read no
/// faster than they return. An error ends the request and is its reply. When the body does not
/// arrive whole, `finish` is not called and the destructor cleans up.
class BodySink {
 public:
  virtual ~BodySink() = default;
  virtual Result<void> take(std::string_view bytes) = 0;
  virtual Result<void> finish() = 0;
};

/// The content types that a route reads.
enum class BodyKind : std::uint8_t { none, json, multipart, json_or_multipart };

/// What a route lets a client send. A body on a route that takes none is read and thrown away.
struct BodyRule {
  BodyKind kind = BodyKind::none;
  std::size_t bytes_max = 256 * 1024;
  std::size_t bytes_per_s_min = 16 * 1024;  // after `Limits::body_timeout` of grace
};

/// Bytes that several replies may share. Never null.
using SharedBytes = std::shared_ptr<const std::vector<std::uint8_t>>;

/// The pieces of a reply whose end is not known when it begins (server-sent events).
class EventSource {
 public:
  virtual ~EventSource() = default;
  /// The next piece, sent at once and never empty; none: the reply is complete. `client_gone` is
  /// requested when the client has closed its connection; what is returned then is not sent.
  /// Whatever way a client goes, it is called with such a token at last.
  virtual Async<std::optional<std::string>> next(std::stop_token client_gone) = 0;
  /// What tells a client that is still there, after such a call, why there is no more.
  virtual std::string failed(const Error& error) = 0;
};

using Body = std::variant<std::string, SharedBytes, std::unique_ptr<EventSource>>;

}  // namespace imagined::api

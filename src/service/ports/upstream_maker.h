#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "service/jobs/payload.h"
#include "service/upstreams/upstreams.h"

namespace imagined::service {

struct GivenFile {
  std::vector<std::uint8_t> bytes;
  std::string mime_type;
};

/// What another server is to make.
struct UpstreamOrder {
  const JobPayload& wanted;
  std::vector<GivenFile> given;  // of `inputs_of`, in its order
  std::string id;                // sent as its idempotency key
};

struct UpstreamMade {
  std::vector<std::vector<std::uint8_t>> files;  // as they came; what they are is not looked at
  std::int64_t cost_usd_ticks = -1;              // as the upstream says; -1: it says nothing
  std::int64_t duration_ms = 0;                  // of a clip, as it says
};

/// Has a server with xAI's API make pictures and videos. Any number of threads at a time; calls
/// block until what was ordered has come whole.
class UpstreamMaker {
 public:
  virtual ~UpstreamMaker() = default;

  using Progress = std::function<void(int percent)>;
  /// Errors that another server may not have: `unavailable`, which is not worth asking this one
  /// again when it says so (`Retry::no`), and `resource_exhausted`, with its word for when. All
  /// others are about what was ordered: with the reason `content_moderated` where that is not
  /// allowed there. `cancelled` soon after `stop` is requested.
  virtual Result<UpstreamMade> make(const UpstreamRoute& route, const UpstreamOrder& order,
                                    const Progress& progress, const std::stop_token& stop) = 0;
};

}  // namespace imagined::service

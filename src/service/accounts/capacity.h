#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "service/jobs/queue_pace.h"

namespace imagined::service {

/// More requests than a key may make, asked for by who holds the key and granted or denied by a
/// person. It is open until then; what became of it stands in the audit log. A key has one at most,
/// so asking again changes what is asked.
struct CapacityRequest {
  std::optional<std::int64_t> per_second;  // requests for one model
  std::optional<std::int64_t> per_minute;
  std::string reason;      // for the person
  std::string by;          // the actor that asked, as the audit log names it
  std::int64_t at_ms = 0;  // 0: nothing is asked for

  bool is_open() const { return at_ms > 0; }
  bool operator==(const CapacityRequest&) const = default;
};

inline constexpr std::int64_t kCapacityMax = 1'000'000;
inline constexpr std::size_t kReasonBytesMax = 500;

/// Requests for one model.
struct Rates {
  std::int64_t per_second = 5;
  std::int64_t per_minute = 300;
};

/// What can be given of what is asked for: no more than all workers together were seen to make,
/// which a promise would not change, but never less than the key `has`.
CapacityRequest within_pace(const CapacityRequest& asked, const Rates& has, const QueuePace& pace);

/// `invalid_argument` names the field: neither rate, a rate below 1 or above kCapacityMax, a reason
/// that is too long or has control characters.
Result<void> check_capacity(const CapacityRequest& request);

}  // namespace imagined::service

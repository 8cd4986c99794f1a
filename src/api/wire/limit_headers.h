#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "service/limits/limit.h"

namespace imagined::api::wire {

struct LimitHeader {
  std::string_view name;
  std::string value;
};

/// What a reply says about the limits, in the words of all clients:
///   x-ratelimit-limit, -remaining, -reset                      hosted xAI; reset in unix seconds
///   x-ratelimit-limit-requests, -remaining-requests, -reset-requests    OpenAI; reset as "1m0s"
///   ratelimit-policy, ratelimit                                IETF; every rule, times in seconds
/// Nothing when there is no rule.
std::vector<LimitHeader> limit_headers(const service::LimitFigures& figures, std::int64_t unix_ms);

}  // namespace imagined::api::wire

#pragma once

#include <chrono>
#include <cstddef>

namespace imagined::api {

/// How long clients may take over a call: so long, and more for what is large.
struct CallTimes {
  std::chrono::milliseconds request{30'000};       // to send what they ask, from its first byte
  std::size_t request_bytes_per_s_min = 16 << 10;  // and so fast at least, as over HTTP
  std::chrono::milliseconds reply{30'000};         // to take a reply that waits for them
  std::size_t reply_bytes_per_s_min = 64 << 10;
};

}  // namespace imagined::api

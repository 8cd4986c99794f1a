// What clients may ask of the server; each has its test in tests/ or beside the code. What a body
// may be is its route's rule (body.h).
#pragma once

#include <chrono>
#include <cstddef>

namespace imagined::api {

struct Limits {
  std::size_t head_bytes_max = 16 * 1024;  // request line and fields together
  std::size_t line_bytes_max = 8 * 1024;   // the request line alone
  int fields_max = 100;
  std::chrono::milliseconds head_timeout{10'000};   // from the first byte of a request
  std::chrono::milliseconds body_timeout{30'000};   // of grace; then the rate of the route's rule
  std::chrono::milliseconds write_timeout{30'000};  // and more for long replies, see below
  std::chrono::milliseconds idle_timeout{75'000};   // between two requests
  std::size_t write_bytes_per_s_min = 64 * 1024;    // a reader slower than this is let go
  int connections_max = 10'000;
  int connections_per_address_max = 256;  // of one client, and its requests through a proxy
  int turned_away_max = 64;               // clients above those two that are still told why
  std::chrono::milliseconds farewell_timeout{1'000};  // that they have to read it
  std::size_t held_bytes_max = 512u << 20;            // of bodies and replies together
  std::chrono::milliseconds held_wait{30'000};        // for room among them
};

}  // namespace imagined::api

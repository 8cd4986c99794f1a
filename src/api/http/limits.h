// What a client may ask of a connection; each has its test in tests/e2e or beside the code.
#pragma once

#include <chrono>
#include <cstddef>

namespace imagined::api {

struct Limits {
  std::size_t head_bytes_max = 16 * 1024;  // request line and fields together
  std::size_t line_bytes_max = 8 * 1024;   // the request line alone
  int fields_max = 100;
  std::size_t json_bytes_max = 256 * 1024;
  std::chrono::milliseconds head_timeout{10'000};  // from the first byte of a request
  std::chrono::milliseconds body_timeout{30'000};
  std::chrono::milliseconds write_timeout{30'000};  // and more for long replies, see below
  std::chrono::milliseconds idle_timeout{75'000};   // between two requests
  std::size_t write_bytes_per_s_min = 64 * 1024;    // a reader slower than this is let go
  int connections_max = 10'000;
  int connections_per_address_max = 256;
};

}  // namespace imagined::api

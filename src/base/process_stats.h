#pragma once

#include <cstdint>

namespace imagined {

/// What the system says of this process. What it does not say is 0.
struct ProcessStats {
  double cpu_s = 0;  // of all its threads
  double started_unix_s = 0;
  std::int64_t resident_bytes = 0;
  std::int64_t virtual_bytes = 0;
  std::int64_t threads = 0;
  std::int64_t open_files = 0;
  std::int64_t open_files_max = 0;
};

ProcessStats process_stats();

}  // namespace imagined

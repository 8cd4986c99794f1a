#include "storage/disk/data_gauges.h"

#include <sys/statvfs.h>

#include <filesystem>
#include <system_error>

namespace imagined::storage {

service::Gauges data_gauges(const DataDir& dir) {
  service::Gauges gauges;
  for (const auto& [what, suffix] : {std::pair{"database", ""}, std::pair{"log", "-wal"}}) {
    std::error_code error;
    const auto size = std::filesystem::file_size(dir.database().string() + suffix, error);
    if (error) continue;
    gauges.push_back({.name = "storage_bytes",
                      .help = "Size of the database and of its log",
                      .labels = {{"what", what}},
                      .value = static_cast<std::int64_t>(size)});
  }
  struct statvfs status {};
  if (::statvfs(dir.path().c_str(), &status) == 0)
    gauges.push_back({.name = "storage_free_bytes",
                      .help = "Room on the disk of the data folder",
                      .labels = {},
                      .value = static_cast<std::int64_t>(status.f_bavail * status.f_frsize)});
  return gauges;
}

}  // namespace imagined::storage

#include "base/process_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

namespace imagined {
namespace {

/// The value of a line "name value" of a file in /proc; 0 when there is none.
std::int64_t read_row(const char* path, const std::string& name) {
  std::ifstream file(path);
  for (std::string word; file >> word;) {
    std::int64_t value = 0;
    if (word == name && file >> value) return value;
    file.clear();
  }
  return 0;
}

/// Field `index` of /proc/self/stat, counted from 1 as in proc(5); behind the name in brackets.
std::int64_t read_stat(int index) {
  std::ifstream file("/proc/self/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream fields(text.substr(std::min(text.rfind(')') + 1, text.size())));
  std::string field;
  for (int i = 3; i <= index; ++i) fields >> field;
  return std::atoll(field.c_str());
}

}  // namespace

ProcessStats process_stats() {
  constexpr int kVirtualBytes = 23;
  constexpr int kResidentPages = 24;
  constexpr int kStarted = 22;
  constexpr int kThreads = 20;
  ProcessStats stats;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  stats.cpu_s = seconds(usage.ru_utime) + seconds(usage.ru_stime);
  stats.started_unix_s =
      static_cast<double>(read_row("/proc/stat", "btime")) +
      static_cast<double>(read_stat(kStarted)) / static_cast<double>(sysconf(_SC_CLK_TCK));
  stats.virtual_bytes = read_stat(kVirtualBytes);
  stats.resident_bytes = read_stat(kResidentPages) * sysconf(_SC_PAGESIZE);
  stats.threads = read_stat(kThreads);
  std::error_code ignored;
  for (std::filesystem::directory_iterator each("/proc/self/fd", ignored), end; each != end;
       each.increment(ignored))
    ++stats.open_files;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  stats.open_files_max = static_cast<std::int64_t>(limit.rlim_cur);
  return stats;
}

}  // namespace imagined

#include "base/log.h"

#include <fmt/core.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

namespace imagined {
namespace {

std::atomic<LogLevel> least = LogLevel::info;  // the process has one stderr, so it has one level

const char* name_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warn:
      return "warn";
    case LogLevel::error:
    case LogLevel::off:
      break;
  }
  return "error";
}

}  // namespace

void set_log_level(LogLevel level) { least = level; }

LogLevel log_level() { return least; }

void log_line(LogLevel level, std::string_view event, std::string_view fields) {
  if (level < least || level == LogLevel::off) return;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  gmtime_r(&now.tv_sec, &utc);
  const std::string line = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z {} {}{}{}\n",
                                       utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday, utc.tm_hour,
                                       utc.tm_min, utc.tm_sec, now.tv_nsec / 1'000'000,
                                       name_of(level), event, fields.empty() ? "" : " ", fields);
  // One call per line, so that the lines of several threads and processes do not mix. A log that
  // nobody can read any more is no reason to stop.
  [[maybe_unused]] const auto written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace imagined

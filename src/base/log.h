// One line per event on stderr: `2026-11-24T21:00:00.123Z info job_done id=... ms=231`.
// Never a prompt, a picture, a key or a token.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

namespace imagined {

enum class LogLevel { debug, info, warn, error, off };

void set_log_level(LogLevel level);
LogLevel log_level();

/// Writes one event; `fields` is what follows the event's name, already `key=value`.
void log_line(LogLevel level, std::string_view event, std::string_view fields);

/// log(LogLevel::info, "job_done", "id={} ms={}", id, ms)
template <class... Args>
void log(LogLevel level, std::string_view event, fmt::format_string<Args...> format = "",
         Args&&... args) {
  if (level < log_level()) return;
  log_line(level, event, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace imagined

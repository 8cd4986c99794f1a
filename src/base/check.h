// CHECK: our own mistake, the process dies. DCHECK: the same where it would cost too much in
// release.
#pragma once

#include <fmt/core.h>

#include <string>

namespace imagined::internal {
[[noreturn]] void check_failed(const char* condition, const char* file, int line,
                               const std::string& message) noexcept;
}  // namespace imagined::internal

/// CHECK(rows == other.rows, "linear: {} rows against {}", rows, other.rows)
#define CHECK(condition, ...)                                            \
  do {                                                                   \
    if (!(condition)) [[unlikely]]                                       \
      ::imagined::internal::check_failed(#condition, __FILE__, __LINE__, \
                                         ::fmt::format(__VA_ARGS__));    \
  } while (false)

#ifdef NDEBUG
#define DCHECK(condition, ...) \
  do {                         \
  } while (false)
#else
#define DCHECK(condition, ...) CHECK(condition, __VA_ARGS__)
#endif

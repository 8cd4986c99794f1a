#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace imagined::internal {

void check_failed(const char* condition, const char* file, int line,
                  const std::string& message) noexcept {
  std::fprintf(stderr, "%s:%d: CHECK(%s) failed: %s\n", file, line, condition, message.c_str());
  std::fflush(stderr);
  std::abort();
}

}  // namespace imagined::internal

#include "base/clock.h"

#include <fstream>

namespace imagined {

std::string SystemClock::origin() const {
  // Linux draws it at each start; the clock of steady_clock begins then.
  static const std::string boot_id = [] {
    std::string text;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> text;
    return text;
  }();
  return boot_id;
}

}  // namespace imagined

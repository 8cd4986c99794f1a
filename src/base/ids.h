#pragma once

#include <string>

#include "base/clock.h"

namespace imagined {

/// UUID version 7: 48 bits of unix milliseconds, then random bits; sorts by time of birth.
std::string make_uuid(const Clock& clock);

}  // namespace imagined

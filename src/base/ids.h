#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace imagined {

/// UUID version 7: 48 bits of unix milliseconds, then random bits; sorts by time of birth.
std::string make_uuid(const Clock& clock);
/// One that is always the same for the same two, and as old as `parent`, which is such a UUID.
std::string child_uuid(std::string_view parent, std::string_view name);
/// Whether it is spelled as they are; nobody needs to have made it.
bool is_uuid(std::string_view text);

}  // namespace imagined

#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace imagined::service {

/// What a person may do who looks after a team's keys. Each may what the one before may.
enum class Role : std::uint8_t {
  member,  // sees keys, without their secrets
  admin,   // makes and changes them
  owner,   // reads the audit log
};

/// "member", "admin", "owner": as in the database and on the command line.
std::string_view to_string(Role role);
/// `invalid_argument`, field "role", for anything else.
Result<Role> parse_role(std::string_view text);

}  // namespace imagined::service

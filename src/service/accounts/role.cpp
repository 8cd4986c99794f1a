#include "service/accounts/role.h"

#include <fmt/core.h>

#include <array>

namespace imagined::service {
namespace {

constexpr std::array<std::string_view, 3> kWords = {"member", "admin", "owner"};

}  // namespace

std::string_view to_string(Role role) { return kWords.at(static_cast<std::size_t>(role)); }

Result<Role> parse_role(std::string_view text) {
  for (const Role role : {Role::member, Role::admin, Role::owner})
    if (to_string(role) == text) return role;
  return fail(ErrorCode::invalid_argument,
              fmt::format("role is \"{}\", expected member, admin or owner", text.substr(0, 60)),
              "role");
}

}  // namespace imagined::service

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace imagined::service {

/// A server that nobody has divided has one organisation with one team.
inline constexpr std::string_view kDefaultOrg = "default";
inline constexpr std::string_view kDefaultTeam = "default";

/// A team's name is 1 to so many letters, digits, '-', '_' or '.'. It is there once it has a key.
inline constexpr std::size_t kTeamBytesMax = 64;

/// Whose a key or a job is. A team belongs to one organisation, a key to one team.
struct Owner {
  std::string org_id{kDefaultOrg};
  std::string team_id{kDefaultTeam};
  std::string key_id;  // public part of the API key

  bool operator==(const Owner&) const = default;
};

}  // namespace imagined::service

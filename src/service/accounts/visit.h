// What a person asks at a desk: for the keys, the audit log or the books of the person's own team.
#pragma once

#include <string_view>

#include "base/result.h"
#include "service/accounts/caller.h"

namespace imagined::service {

/// Who asks, by which request, for which team; an empty team is the person's own.
struct Visit {
  const Caller& caller;
  std::string_view request_id;
  std::string_view team_id = {};
};

/// `unauthenticated` for whoever is not a person of this role or above; `not_found` for another
/// team.
Result<void> enter(const Visit& visit, Role role);

}  // namespace imagined::service

#pragma once

#include "base/result.h"
#include "service/accounts/owner.h"
#include "service/accounts/scope.h"

namespace imagined::service {

/// Who asks: every verb of the domain takes one, and every means of asking (HTTP, gRPC, the
/// console) ends in one.
struct Caller {
  Owner owner;
  ScopeSet scopes;
};

/// A team sees what is its own and nothing else.
inline bool may_see(const Caller& caller, const Owner& owner) {
  return caller.owner.org_id == owner.org_id && caller.owner.team_id == owner.team_id;
}

/// `permission_denied`, naming the scope that the key lacks.
Result<void> require(const Caller& caller, Scope scope);

}  // namespace imagined::service

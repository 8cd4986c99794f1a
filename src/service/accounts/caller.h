#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/accounts/owner.h"
#include "service/accounts/role.h"
#include "service/accounts/scope.h"
#include "service/limits/allowance.h"

namespace imagined::service {

/// Who asks: every verb of the domain takes one, and every means of asking (HTTP, gRPC, the
/// console) ends in one.
struct Caller {
  Owner owner;
  ScopeSet scopes;
  std::vector<std::string> models;  // ids that may be used; none: all
  Allowance allowance;              // the key's own limits
  std::optional<Role> role;         // of a person; none: a customer
  bool uses_cache = false;          // unless a request says otherwise
  bool unlabelled = false;          // files say nothing of how their pictures were made
};

/// A team sees what is its own and nothing else.
inline bool may_see(const Caller& caller, const Owner& owner) {
  return caller.owner.org_id == owner.org_id && caller.owner.team_id == owner.team_id;
}

/// `unauthenticated` with the reason `wrong_scope`, naming the scope that the key lacks: the brief
/// counts a key without the right among those that are answered with 401.
Result<void> require(const Caller& caller, Scope scope);
/// The same for a model, an id of the catalogue.
Result<void> require_model(const Caller& caller, std::string_view model);

/// The same for what only people may do, from this role on.
Result<void> require(const Caller& caller, Role role);

}  // namespace imagined::service

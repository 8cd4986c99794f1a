#include "service/accounts/caller.h"

#include <fmt/format.h>

namespace imagined::service {

Result<void> require(const Caller& caller, Scope scope) {
  if (caller.scopes.has(scope)) return {};
  return fail(ErrorCode::permission_denied,
              fmt::format("this API key has no \"{}\" scope", to_string(scope)));
}

}  // namespace imagined::service

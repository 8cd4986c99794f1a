#include "service/accounts/visit.h"

namespace imagined::service {

Result<void> enter(const Visit& visit, Role role) {
  TRY(require(visit.caller, role));
  if (visit.team_id.empty() || visit.team_id == visit.caller.owner.team_id) return {};
  return fail(ErrorCode::not_found, "no such team");
}

}  // namespace imagined::service

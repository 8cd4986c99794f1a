#pragma once

#include <cstdint>

#include "service/billing/ledger.h"
#include "service/jobs/job.h"

namespace imagined::service {

/// Who brought a job to its end.
enum class EndedBy : std::uint8_t {
  worker,       // by finishing it, or with an error
  customer,     // by cancelling it
  client_gone,  // nobody waits for it any more
  death,        // of its worker, as often as it may die
  deadline,     // it was not begun or not finished in time
};

/// How the charge of a job that has ended is resolved: `before` is the job as it was, `after` is
/// final.
Settlement settlement_of(const Job& before, const Job& after, EndedBy by, std::int64_t delivered);

}  // namespace imagined::service

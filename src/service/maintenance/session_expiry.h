#pragma once

#include "base/clock.h"
#include "service/maintenance/duty.h"
#include "service/ports/session_store.h"

namespace imagined::service {

/// Removes the sessions of people that have ended by themselves.
Duty session_expiry(SessionStore& sessions, const Clock& clock);

}  // namespace imagined::service

// The books as rows, written inside the commit of whoever changes something that costs money.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "service/billing/ledger.h"
#include "service/ports/ledger_store.h"

namespace imagined::storage {

class Connection;

// To be called within a transaction of `connection`; errors as in service::LedgerStore, and then
// the transaction must be rolled back.
Result<void> reserve_charge(Connection& connection, const service::Reservation& reservation,
                            std::int64_t now_ms);
/// Both at once, of what needs no job; the cost.
Result<std::int64_t> record_charge(Connection& connection, const service::Reservation& reservation,
                                   const service::Settlement& settlement, std::int64_t now_ms);
/// The cost.
Result<std::int64_t> resolve_charge(Connection& connection, std::string_view charge_id,
                                    const service::Settlement& settlement, std::int64_t now_ms);
Result<std::int64_t> refund_charge(Connection& connection, std::string_view charge_id,
                                   std::int64_t now_ms);
/// As LedgerStore::team_limit.
Result<std::optional<std::int64_t>> read_team_limit(Connection& connection,
                                                    std::string_view team_id);

}  // namespace imagined::storage

// The audit log as rows, written inside the commit of the deed.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/accounts/audit.h"

namespace imagined::storage {

class Connection;

/// To be called within a transaction of `connection`.
Result<void> append_audit(Connection& connection, const service::Deed& deed, std::int64_t at_ms,
                          std::string_view secret);
Result<std::vector<service::AuditEvent>> read_audit(Connection& connection,
                                                    std::int64_t from_sequence, int count_max);
/// The first row that is not as it was written; 0: none. Within a transaction, so that nobody adds
/// a row between two looks.
Result<std::int64_t> verify_audit(Connection& connection, std::string_view secret);

}  // namespace imagined::storage

#pragma once

#include "base/result.h"

namespace imagined::storage {

class Connection;

/// Brings the file to the newest schema, in one transaction: a crash leaves the old or the new one.
/// Errors as in SqliteDatabase::open.
Result<void> migrate(Connection& connection);

/// `failed_precondition` when the file is another program's, or a newer one of ours wrote it.
Result<void> check_ours(Connection& connection);

}  // namespace imagined::storage

// What was ordered, delivered and paid, as people read it over HTTP and on the command line.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "service/ports/ledger_store.h"

namespace imagined::api::wire {

/// `{"usage": [...]}`, with a page token when there are more rows.
std::string usage_body(std::span<const service::UsageRow> rows, std::int64_t next_row = 0);

/// RFC 4180, the names of the columns first. A text that a spreadsheet would take for a formula is
/// made one that it shows.
std::string usage_csv(std::span<const service::UsageRow> rows);

}  // namespace imagined::api::wire

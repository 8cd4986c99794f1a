#pragma once

#include "base/clock.h"
#include "service/ports/ledger_store.h"
#include "storage/sqlite/sqlite_database.h"

namespace imagined::storage {

class SqliteLedgerStore final : public service::LedgerStore {
 public:
  /// The references must outlive the store.
  SqliteLedgerStore(SqliteDatabase& database, const Clock& clock)
      : database_(database), clock_(clock) {}

  Result<void> reserve(const service::Reservation& reservation) override;
  Result<std::int64_t> resolve(std::string_view charge_id,
                               const service::Settlement& settlement) override;
  Result<std::int64_t> record(const service::Reservation& reservation,
                              const service::Settlement& settlement) override;
  Result<std::int64_t> refund(std::string_view charge_id) override;
  Result<std::int64_t> cost(std::string_view charge_id) override;
  Result<std::map<std::string, std::int64_t>> balances() override;
  Result<service::Amount> spent(std::string_view bucket, service::QuotaPeriod period) override;
  Result<std::vector<service::UsageRow>> usage(const service::UsageFilter& filter) override;
  Result<service::LedgerAudit> audit() override;

 private:
  SqliteDatabase& database_;
  const Clock& clock_;
};

}  // namespace imagined::storage

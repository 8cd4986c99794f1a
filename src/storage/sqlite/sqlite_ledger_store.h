#pragma once

#include <string>
#include <utility>

#include "base/clock.h"
#include "service/ports/ledger_store.h"
#include "storage/sqlite/sqlite_database.h"

namespace imagined::storage {

class SqliteLedgerStore final : public service::LedgerStore {
 public:
  /// The references must outlive the store. The secret guards the end of the audit log.
  SqliteLedgerStore(SqliteDatabase& database, const Clock& clock, std::string audit_secret)
      : database_(database), clock_(clock), audit_secret_(std::move(audit_secret)) {}

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
  Result<std::optional<std::int64_t>> team_limit(std::string_view team_id) override;
  Result<void> set_team_limit(std::string_view team_id, std::optional<std::int64_t> usd_ticks,
                              const service::Deed& deed) override;

 private:
  SqliteDatabase& database_;
  const Clock& clock_;
  const std::string audit_secret_;
};

}  // namespace imagined::storage

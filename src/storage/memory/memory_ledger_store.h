#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "base/clock.h"
#include "service/ports/ledger_store.h"

namespace imagined::storage {

/// The books as plain maps: for tests, and the model that other stores are compared with.
class MemoryLedgerStore final : public service::LedgerStore {
 public:
  /// The clock must outlive the store.
  explicit MemoryLedgerStore(const Clock& clock) : clock_(clock) {}

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
  struct Row {
    service::Charge charge;
    std::optional<service::Outcome> outcome;  // none: open
    std::int64_t paid = 0;                    // pictures
  };

  std::optional<std::int64_t> own_limit(std::string_view team_id) const;
  void write(service::Entry entry);
  void spend(const service::Charge& charge, std::int64_t pictures, std::int64_t usd_ticks);
  Result<Row*> find(std::string_view charge_id);

  const Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Row, std::less<>> charges_;
  std::vector<service::Entry> ledger_;
  std::map<std::pair<std::string, std::string>, service::Amount> spending_;
  std::map<std::string, std::int64_t, std::less<>> team_limits_;  // USD ticks a month
};

}  // namespace imagined::storage

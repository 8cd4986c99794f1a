#include "service/upstreams/relay.h"

#include <gtest/gtest.h>

#include "contract/settable_clock.h"
#include "storage/memory/memory_ledger_store.h"
#include "storage/process/process_limit_store.h"

namespace imagined::service {
namespace {

class NobodyToAsk final : public UpstreamClient {
 public:
  std::unique_ptr<UpstreamAnswer> post(UpstreamPost, std::function<void()>) override { return {}; }
};

TEST(Relay, GoesByWhatWasSpentASecondAgoWhateverTheTimeOfDay) {
  SettableClock clock;
  storage::ProcessLimitStore limits(clock);
  storage::MemoryLedgerStore ledger(clock);
  Admission admission(limits, clock);
  Upstreams upstreams({}, clock);
  NobodyToAsk client;
  Relay relay({upstreams, client, ledger, admission, clock});
  const Spending spending = *relay.spending({.owner = {.team_id = "red", .key_id = "k"}});
  clock.set_by_ms(-60'000);
  clock.advance_ms(999);
  EXPECT_TRUE(relay.is_fresh(spending));
  clock.advance_ms(1);
  EXPECT_FALSE(relay.is_fresh(spending)) << "the clock was set back meanwhile";
}

}  // namespace
}  // namespace imagined::service

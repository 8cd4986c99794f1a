#include <map>
#include <random>

#include "contract/ledger_store_contract.h"
#include "contract/temporary_database.h"
#include "storage/memory/memory_ledger_store.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/sqlite_ledger_store.h"

namespace imagined::service {
namespace {

LedgerStoreUnderTest memory_ledger() {
  auto clock = std::make_shared<ManualClock>();
  return {clock, nullptr, std::make_unique<storage::MemoryLedgerStore>(*clock)};
}
INSTANTIATE_TEST_SUITE_P(Memory, LedgerStoreContract, testing::Values(&memory_ledger));

LedgerStoreUnderTest sqlite_ledger() {
  auto clock = std::make_shared<ManualClock>();
  auto file = std::make_shared<TemporaryDatabase>();
  return {clock, file,
          std::make_unique<storage::SqliteLedgerStore>(*file->database, *clock, "secret")};
}
INSTANTIATE_TEST_SUITE_P(Sqlite, LedgerStoreContract, testing::Values(&sqlite_ledger));

std::int64_t uniform(std::mt19937& random, std::int64_t low, std::int64_t high) {
  return std::uniform_int_distribution(low, high)(random);
}

// Random operations, right and wrong ones, on both stores: the same answers, the same balances, and
// books that are right.
TEST(SqliteLedgerStore, DoesWhatTheModelDoesInRandomSequences) {
  ManualClock clock;
  TemporaryDatabase file;
  storage::SqliteLedgerStore store(*file.database, clock, "secret");
  storage::MemoryLedgerStore model(clock);
  std::mt19937 random(11);
  const auto expect_same = [](const auto& a, const auto& b, int i) {
    ASSERT_EQ(a.has_value(), b.has_value()) << "operation " << i;
    if (!a) {
      ASSERT_EQ(a.error().code, b.error().code) << "operation " << i;
    }
  };
  for (int i = 0; i < 300; ++i) {
    clock.advance_ms(uniform(random, 0, 3'600'000));
    const std::string id = std::to_string(uniform(random, 0, 60));
    const Owner owner{.org_id = "o",
                      .team_id = uniform(random, 0, 1) == 0 ? "red" : "blue",
                      .key_id = std::to_string(uniform(random, 0, 2))};
    switch (uniform(random, 0, 4)) {
      case 0:
      case 1: {
        const Reservation wanted{.charge = {.id = id,
                                            .owner = owner,
                                            .model = uniform(random, 0, 1) == 0 ? "fast" : "fine",
                                            .bill = {.per_picture_usd_ticks = uniform(random, 0, 9),
                                                     .once_usd_ticks = uniform(random, 0, 9)},
                                            .pictures = uniform(random, 1, 10),
                                            .created_ms = clock.unix_ms()},
                                 .quotas = {{.bucket = "key:" + owner.key_id, .pictures = 40}}};
        expect_same(store.reserve(wanted), model.reserve(wanted), i);
        break;
      }
      case 2:
      case 3: {
        const Settlement end{.outcome = Outcome::delivered, .delivered = uniform(random, 0, 1)};
        expect_same(store.resolve(id, end), model.resolve(id, end), i);
        break;
      }
      default:
        expect_same(store.refund(id), model.refund(id), i);
    }
  }
  EXPECT_EQ(*store.balances(), *model.balances());
  EXPECT_NE(store.balances()->at("revenue:fast"), 0);
  EXPECT_EQ(*store.usage({}), *model.usage({}));
  EXPECT_EQ(*store.audit(), LedgerAudit());
}

TEST(SqliteLedgerStore, FindsBooksThatWereChangedBehindItsBack) {
  ManualClock clock;
  TemporaryDatabase file;
  storage::SqliteLedgerStore store(*file.database, clock, "secret");
  ASSERT_TRUE(store.reserve(
      {.charge = {.id = "c", .model = "m", .bill = {.per_picture_usd_ticks = 5}, .pictures = 1}}));
  storage::Connection& connection = file.database->power_safe();
  ASSERT_TRUE(connection.execute("UPDATE balances SET usd_ticks = 7 WHERE account LIKE 'held:%'"));
  LedgerAudit audit = *store.audit();
  EXPECT_EQ(audit.sum_usd_ticks, 2);
  EXPECT_EQ(audit.wrong_balances, 1);
  EXPECT_EQ(audit.wrong_holds, 1);
  ASSERT_TRUE(connection.execute("UPDATE charges SET outcome = 'delivered'"));
  EXPECT_EQ(store.audit()->wrong_charges, 1);
}

TEST(SqliteLedgerStore, WritesEachStepOfAChargeOnceAndNeverChangesIt) {
  ManualClock clock;
  TemporaryDatabase file;
  storage::SqliteLedgerStore store(*file.database, clock, "secret");
  const Charge charge{.id = "c", .model = "m", .bill = {.per_picture_usd_ticks = 5}, .pictures = 3};
  ASSERT_TRUE(store.reserve({.charge = charge}));
  ASSERT_TRUE(store.resolve("c", {.outcome = Outcome::delivered, .delivered = 2}));
  storage::Connection& connection = file.database->power_safe();
  std::vector<std::string> entries;
  {
    auto rows = *connection.prepare(
        "SELECT step || ' ' || from_account || ' ' || to_account || ' ' || usd_ticks FROM ledger "
        "WHERE charge_id = 'c' ORDER BY sequence");
    while (*rows.step()) entries.push_back(rows.text(0));
  }
  EXPECT_EQ(entries, (std::vector<std::string>{"reserve wallet:default held:default 15",
                                               "settle held:default revenue:m 10",
                                               "release held:default wallet:default 5"}));
  EXPECT_FALSE(connection.execute("UPDATE ledger SET usd_ticks = 6"));
  EXPECT_FALSE(connection.execute("DELETE FROM ledger"));
  EXPECT_FALSE(connection.execute(
      "INSERT INTO ledger (charge_id, step, from_account, to_account, usd_ticks, at_ms) "
      "VALUES ('c', 'settle', 'held:default', 'revenue:m', 1, 1)"));
}

TEST(SqliteLedgerStore, WritesNoEntryOfNothing) {
  ManualClock clock;
  TemporaryDatabase file;
  storage::SqliteLedgerStore store(*file.database, clock, "secret");
  const Charge free{.id = "c", .model = "m", .pictures = 2, .created_ms = clock.unix_ms()};
  EXPECT_EQ(store.record({.charge = free}, {.outcome = Outcome::cached, .delivered = 2}), 0);
  auto rows = *file.database->power_safe().prepare("SELECT count(*) FROM ledger");
  ASSERT_TRUE(*rows.step());
  EXPECT_EQ(rows.integer(0), 0);
  const LedgerAudit audit = *store.audit();
  EXPECT_EQ(audit.wrong_holds + audit.wrong_charges + audit.wrong_balances, 0);
  EXPECT_EQ(store.spent("team:default", QuotaPeriod::day)->pictures, 2);
}

}  // namespace
}  // namespace imagined::service

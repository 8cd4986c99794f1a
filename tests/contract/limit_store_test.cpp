#include "contract/limit_store_contract.h"
#include "contract/temporary_database.h"
#include "storage/process/process_limit_store.h"
#include "storage/sqlite/sqlite_limit_store.h"

namespace imagined::service {
namespace {

LimitStoreUnderTest process_limits() {
  auto clock = std::make_shared<ManualClock>();
  return {clock, nullptr, std::make_unique<storage::ProcessLimitStore>(*clock)};
}
INSTANTIATE_TEST_SUITE_P(Process, LimitStoreContract, testing::Values(&process_limits));

LimitStoreUnderTest sqlite_limits() {
  auto clock = std::make_shared<ManualClock>();
  auto file = std::make_shared<TemporaryDatabase>();
  return {clock, file, std::make_unique<storage::SqliteLimitStore>(*file->database, *clock)};
}
INSTANTIATE_TEST_SUITE_P(Sqlite, LimitStoreContract, testing::Values(&sqlite_limits));

std::vector<Draw> one_draw(std::string bucket) {
  return {{.bucket = std::move(bucket),
           .rules = {{.name = "rps", .window = {.limit = 1, .window_ms = 1'000}}}}};
}

TEST(ProcessLimitStore, RefusesNewClientsWhenItIsFullAndForgetsIdleOnes) {
  ManualClock clock;
  storage::ProcessLimitStore store(clock, 2);
  EXPECT_TRUE(store.take(one_draw("a")));
  EXPECT_TRUE(store.take(one_draw("b")));
  EXPECT_EQ(store.take(one_draw("c")).error().code, ErrorCode::resource_exhausted);
  clock.advance_ms(1'000);
  EXPECT_TRUE(store.take(one_draw("c")));
}

TEST(SqliteLimitStore, HoldsAcrossProcessesAndRestarts) {
  ManualClock clock;
  TemporaryDatabase file;
  EXPECT_TRUE(storage::SqliteLimitStore(*file.database, clock).take(one_draw("a"))->admitted);
  const auto other = *storage::SqliteDatabase::open(file.folder.path() / "imagined.db");
  EXPECT_FALSE(storage::SqliteLimitStore(*other, clock).take(one_draw("a"))->admitted);
}

TEST(SqliteLimitStore, CountsNothingOfBeforeARestartOfTheMachine) {
  TemporaryDatabase file;
  const ManualClock before(1'000'000);
  ASSERT_TRUE(storage::SqliteLimitStore(*file.database, before).take(one_draw("a"))->admitted);
  ManualClock after(100);
  storage::SqliteLimitStore store(*file.database, after);
  EXPECT_TRUE(store.take(one_draw("a"))->admitted);
  after.advance_ms(999'950);  // when the old hit would be in the window
  EXPECT_TRUE(store.take(one_draw("a"))->admitted);
}

}  // namespace
}  // namespace imagined::service

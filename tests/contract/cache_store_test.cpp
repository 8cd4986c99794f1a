#include "contract/cache_store_contract.h"

#include "contract/temporary_database.h"
#include "storage/process/process_cache_store.h"
#include "storage/sqlite/sqlite_cache_store.h"

namespace imagined::service {
namespace {

CacheStoreUnderTest process_cache() {
  auto clock = std::make_shared<ManualClock>();
  return {clock, nullptr, std::make_unique<storage::ProcessCacheStore>(*clock, 3)};
}
INSTANTIATE_TEST_SUITE_P(Process, CacheStoreContract, testing::Values(&process_cache));

CacheStoreUnderTest sqlite_cache() {
  auto clock = std::make_shared<ManualClock>();
  auto file = std::make_shared<TemporaryDatabase>();
  return {clock, file, std::make_unique<storage::SqliteCacheStore>(*file->database, *clock, 3)};
}
INSTANTIATE_TEST_SUITE_P(Sqlite, CacheStoreContract, testing::Values(&sqlite_cache));

TEST(SqliteCacheStore, OutlivesARestart) {
  ManualClock clock;
  TemporaryDatabase file;
  ASSERT_TRUE(storage::SqliteCacheStore(*file.database, clock, 3)
                  .put({"red", "k", "job1", clock.unix_ms() + 1}));
  const auto other = *storage::SqliteDatabase::open(file.folder.path() / "imagined.db");
  EXPECT_EQ(**storage::SqliteCacheStore(*other, clock, 3).find("red", "k"), "job1");
}

}  // namespace
}  // namespace imagined::service

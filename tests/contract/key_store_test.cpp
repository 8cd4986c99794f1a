#include "contract/key_store_contract.h"
#include "contract/temporary_database.h"
#include "storage/memory/memory_key_store.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/sqlite_key_store.h"

namespace imagined::service {
namespace {

KeyStoreUnderTest memory_keys() {
  auto clock = std::make_shared<ManualClock>();
  return {clock, nullptr, std::make_unique<storage::MemoryKeyStore>(*clock)};
}
INSTANTIATE_TEST_SUITE_P(Memory, KeyStoreContract, testing::Values(&memory_keys));

KeyStoreUnderTest sqlite_keys() {
  auto clock = std::make_shared<ManualClock>();
  auto file = std::make_shared<TemporaryDatabase>();
  return {clock, file,
          std::make_unique<storage::SqliteKeyStore>(*file->database, *clock, "secret")};
}
INSTANTIATE_TEST_SUITE_P(Sqlite, KeyStoreContract, testing::Values(&sqlite_keys));

// Whoever can write the file and does not know the secret.
TEST(SqliteKeyStore, FindsTheFirstRowOfTheAuditLogThatWasTamperedWith) {
  const ManualClock clock;
  const std::pair<const char*, std::int64_t> cases[] = {
      {"UPDATE audit SET actor = 'nobody' WHERE sequence = 2", 2},
      {"DELETE FROM audit WHERE sequence = 2", 2},
      {"DELETE FROM audit WHERE sequence = 4", 4},
      {"DELETE FROM audit", 1},
      {"DELETE FROM audit_head", 1},
      {"UPDATE audit_head SET sequence = 3, hash = (SELECT hash FROM audit WHERE sequence = 3); "
       "DELETE FROM audit WHERE sequence = 4",
       4}};
  for (const auto& [damage, first_bad] : cases) {
    TemporaryDatabase file;
    storage::SqliteKeyStore store(*file.database, clock, "secret");
    for (const char* id : {"a", "b", "c", "d"})
      ASSERT_TRUE(store.insert({.id = id}, {.action = "key.create", .target = id}));
    ASSERT_EQ(*store.verify_audit(), 0);
    ASSERT_TRUE(file.database->power_safe().execute(damage)) << damage;
    EXPECT_EQ(*store.verify_audit(), first_bad) << damage;
  }
}

}  // namespace
}  // namespace imagined::service

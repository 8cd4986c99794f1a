#include "contract/session_store_contract.h"
#include "contract/temporary_database.h"
#include "storage/memory/memory_session_store.h"
#include "storage/sqlite/sqlite_key_store.h"
#include "storage/sqlite/sqlite_session_store.h"

namespace imagined::service {
namespace {

const ManualClock kClock;

SessionStoreUnderTest memory_sessions() {
  const auto keys = std::make_shared<storage::MemoryKeyStore>(kClock);
  return {nullptr, std::make_unique<storage::MemorySessionStore>(*keys), keys};
}
INSTANTIATE_TEST_SUITE_P(Memory, SessionStoreContract, testing::Values(&memory_sessions));

SessionStoreUnderTest sqlite_sessions() {
  const auto file = std::make_shared<TemporaryDatabase>();
  return {file, std::make_unique<storage::SqliteSessionStore>(*file->database, kClock, "secret"),
          std::make_shared<storage::SqliteKeyStore>(*file->database, kClock, "secret")};
}
INSTANTIATE_TEST_SUITE_P(Sqlite, SessionStoreContract, testing::Values(&sqlite_sessions));

}  // namespace
}  // namespace imagined::service

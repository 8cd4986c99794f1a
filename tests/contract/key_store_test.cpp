#include "contract/key_store_contract.h"
#include "contract/temporary_database.h"
#include "storage/memory/memory_key_store.h"
#include "storage/sqlite/sqlite_key_store.h"

namespace imagined::service {
namespace {

KeyStoreUnderTest memory_keys() { return {nullptr, std::make_unique<storage::MemoryKeyStore>()}; }
INSTANTIATE_TEST_SUITE_P(Memory, KeyStoreContract, testing::Values(&memory_keys));

KeyStoreUnderTest sqlite_keys() {
  auto file = std::make_shared<TemporaryDatabase>();
  return {file, std::make_unique<storage::SqliteKeyStore>(*file->database)};
}
INSTANTIATE_TEST_SUITE_P(Sqlite, KeyStoreContract, testing::Values(&sqlite_keys));

}  // namespace
}  // namespace imagined::service

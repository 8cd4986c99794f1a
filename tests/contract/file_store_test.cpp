#include "contract/file_store_contract.h"
#include "contract/temporary_database.h"
#include "storage/memory/memory_job_store.h"
#include "storage/sqlite/sqlite_archive.h"
#include "storage/sqlite/sqlite_file_store.h"

namespace imagined::service {
namespace {

FileStoreUnderTest memory_files() {
  auto clock = std::make_shared<ManualClock>();
  auto jobs = std::make_shared<storage::MemoryJobStore>(*clock);
  return {clock, std::shared_ptr<FileStore>(jobs, &jobs->files()), jobs};
}
INSTANTIATE_TEST_SUITE_P(Memory, FileStoreContract, testing::Values(&memory_files));

FileStoreUnderTest sqlite_files() {
  auto file = std::make_shared<TemporaryDatabase>();
  return {file, std::make_shared<storage::SqliteFileStore>(*file->database),
          std::make_shared<storage::SqliteArchive>(*file->database)};
}
INSTANTIATE_TEST_SUITE_P(Sqlite, FileStoreContract, testing::Values(&sqlite_files));

}  // namespace
}  // namespace imagined::service

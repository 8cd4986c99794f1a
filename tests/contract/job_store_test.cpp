#include "contract/job_store_contract.h"
#include "contract/temporary_database.h"
#include "storage/memory/memory_job_store.h"
#include "storage/sqlite/sqlite_archive.h"
#include "storage/sqlite/sqlite_job_store.h"

namespace imagined::service {
namespace {

JobStoreUnderTest memory_jobs(const Clock& clock) {
  const auto store = std::make_shared<storage::MemoryJobStore>(clock);
  return {nullptr, store, store};
}
INSTANTIATE_TEST_SUITE_P(Memory, JobStoreContract, testing::Values(&memory_jobs));

JobStoreUnderTest sqlite_jobs(const Clock& clock) {
  auto file = std::make_shared<TemporaryDatabase>();
  return {file, std::make_shared<storage::SqliteJobStore>(*file->database, clock),
          std::make_shared<storage::SqliteArchive>(*file->database)};
}
INSTANTIATE_TEST_SUITE_P(Sqlite, JobStoreContract, testing::Values(&sqlite_jobs));

}  // namespace
}  // namespace imagined::service

#include "contract/job_store_contract.h"
#include "contract/temporary_database.h"
#include "storage/memory/memory_job_store.h"
#include "storage/sqlite/sqlite_job_store.h"

namespace imagined::service {
namespace {

JobStoreUnderTest memory_jobs(const Clock& clock) {
  return {nullptr, std::make_unique<storage::MemoryJobStore>(clock)};
}
INSTANTIATE_TEST_SUITE_P(Memory, JobStoreContract, testing::Values(&memory_jobs));

JobStoreUnderTest sqlite_jobs(const Clock& clock) {
  auto file = std::make_shared<TemporaryDatabase>();
  return {file, std::make_unique<storage::SqliteJobStore>(*file->database, clock)};
}
INSTANTIATE_TEST_SUITE_P(Sqlite, JobStoreContract, testing::Values(&sqlite_jobs));

}  // namespace
}  // namespace imagined::service

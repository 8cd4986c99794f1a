#include "base/folder_testing.h"
#include "contract/blob_store_contract.h"
#include "storage/disk/disk_blob_store.h"
#include "storage/memory/memory_blob_store.h"

namespace imagined::service {
namespace {

BlobStoreUnderTest memory_blobs(const Clock& clock) {
  return {nullptr, std::make_unique<storage::MemoryBlobStore>(clock)};
}
INSTANTIATE_TEST_SUITE_P(Memory, BlobStoreContract, testing::Values(&memory_blobs));

BlobStoreUnderTest disk_blobs(const Clock& clock) {
  auto folder = std::make_shared<TestFolder>();
  return {folder, *storage::DiskBlobStore::open(folder->path(), clock)};
}
INSTANTIATE_TEST_SUITE_P(Disk, BlobStoreContract, testing::Values(&disk_blobs));

}  // namespace
}  // namespace imagined::service

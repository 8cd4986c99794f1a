#include "service/pictures/remove_picture.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "contract/some_job.h"
#include "storage/memory/memory_blob_store.h"
#include "storage/memory/memory_job_store.h"

namespace imagined::service {
namespace {

class RemovePictureTest : public testing::Test {
 protected:
  std::string put(const std::string& text) {
    return *blobs_.put(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
  }
  void finish(const std::string& picture_id, const std::string& blob) {
    ASSERT_TRUE(jobs_.insert(some_job(clock_)));
    const ClaimedJob job = claim_from(jobs_);
    ASSERT_TRUE(jobs_.complete(
        job.lease(),
        {{.id = picture_id, .job_id = job.job.id, .blob = blob, .created_ms = clock_.unix_ms()}}));
  }
  Result<void> remove(std::string_view id) { return remove_picture(jobs_, blobs_, clock_, id); }

  ManualClock clock_;
  storage::MemoryJobStore jobs_{clock_};
  storage::MemoryBlobStore blobs_{clock_};
};

TEST_F(RemovePictureTest, RemovesTheRowAndTheBytes) {
  const std::string blob = put("p");
  finish("p", blob);
  clock_.advance_ms(1);
  ASSERT_TRUE(remove("p"));
  EXPECT_EQ(jobs_.find_picture("p").error().code, ErrorCode::not_found);
  EXPECT_EQ(blobs_.get(blob).error().code, ErrorCode::not_found);
  EXPECT_EQ(remove("p").error().code, ErrorCode::not_found);
}

TEST_F(RemovePictureTest, LeavesTheBytesThatAnotherPictureHasToo) {
  const std::string blob = put("same");
  finish("p", blob);
  finish("q", blob);
  clock_.advance_ms(1);
  ASSERT_TRUE(remove("p"));
  EXPECT_TRUE(blobs_.get(blob));
  ASSERT_TRUE(remove("q"));
  EXPECT_FALSE(blobs_.get(blob));
}

TEST_F(RemovePictureTest, LeavesTheBytesThatARunningJobMayHavePut) {
  const std::string blob = put("p");
  finish("p", blob);
  ASSERT_TRUE(jobs_.insert(some_job(clock_)));
  claim_from(jobs_);
  clock_.advance_ms(1);
  put("p");  // the running job makes the same
  clock_.advance_ms(1);
  ASSERT_TRUE(remove("p"));
  EXPECT_TRUE(blobs_.get(blob));
}

}  // namespace
}  // namespace imagined::service

#include "storage/backup/backup.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "base/folder_testing.h"
#include "contract/some_job.h"
#include "storage/disk/data_dir.h"
#include "storage/disk/disk_blob_store.h"
#include "storage/sqlite/sqlite_archive.h"
#include "storage/sqlite/sqlite_database.h"
#include "storage/sqlite/sqlite_job_store.h"

namespace imagined::storage {
namespace {

namespace fs = std::filesystem;
using service::ClaimedJob;

/// A data folder as a server has it.
struct Data {
  explicit Data(const fs::path& path)
      : dir(*DataDir::open(path)),
        database(*SqliteDatabase::open(dir.database())),
        blobs(*DiskBlobStore::open(dir.blobs(), clock)) {}

  std::string put(std::string_view text) {
    return *blobs->put({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  void finish(const std::string& picture_id, const std::string& blob) {
    EXPECT_TRUE(jobs.insert(some_job(clock)));
    const ClaimedJob job = claim_from(jobs);
    EXPECT_TRUE(jobs.complete(
        job.lease(), {{.id = picture_id, .job_id = job.job.id, .blob = blob, .created_ms = 1}}));
  }

  ManualClock clock;
  DataDir dir;
  std::unique_ptr<SqliteDatabase> database;
  std::unique_ptr<DiskBlobStore> blobs;
  SqliteJobStore jobs{*database, clock};
  SqliteArchive archive{*database};
};

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class BackupTest : public testing::Test {
 protected:
  Result<CopiedData> copy(const fs::path& from, const fs::path& to) {
    return copy_data(from, to,
                     [this](const fs::path& folder) -> Result<std::unique_ptr<service::BlobStore>> {
                       return TRY(DiskBlobStore::open(folder, clock_));
                     });
  }

  ManualClock clock_;
  TestFolder folder_;
  const fs::path home_ = folder_.path() / "home";
  const fs::path backup_ = folder_.path() / "backup";
};

TEST_F(BackupTest, IsADataFolderWithEverythingInIt) {
  std::string blob;
  std::string secret;
  {
    Data home(home_);
    blob = home.put("a picture");
    home.finish("p", blob);
    secret = *home.dir.secret("links");
    const auto copied = copy(home_, backup_);  // beside whoever is at work
    ASSERT_TRUE(copied) << copied.error().message;
    EXPECT_EQ(copied->files, 1);
    EXPECT_EQ(copied->bytes, 9);
    EXPECT_EQ(copied->damaged, 0);
    home.finish("later", blob);
  }
  Data restored(backup_);
  EXPECT_EQ(restored.archive.find_picture("p")->blob, blob);
  EXPECT_FALSE(restored.archive.find_picture("later"));
  EXPECT_EQ(restored.blobs->get(blob)->size(), 9u);
  EXPECT_EQ(*restored.dir.secret("links"), secret);
}

TEST_F(BackupTest, ChangesNothingWhereItReads) {
  { Data(home_).finish("p", std::string(64, 'a')); }
  ASSERT_TRUE(copy(home_, backup_));
  const std::string before = bytes_of(backup_ / "imagined.db");
  ASSERT_TRUE(copy(backup_, folder_.path() / "again"));
  EXPECT_EQ(bytes_of(backup_ / "imagined.db"), before);
  EXPECT_FALSE(fs::exists(backup_ / "imagined.db-wal"));
}

TEST_F(BackupTest, LeavesOutADamagedPictureAndSaysSo) {
  Data home(home_);
  const std::string blob = home.put("a picture");
  home.put("another");
  for (const auto& entry : fs::recursive_directory_iterator(home.dir.blobs()))
    if (entry.path().filename().string().find(blob.substr(4)) != std::string::npos)
      std::ofstream(entry.path(), std::ios::binary) << "a pictura";
  const auto copied = copy(home_, backup_);
  ASSERT_TRUE(copied) << copied.error().message;
  EXPECT_EQ(copied->files, 1);
  EXPECT_EQ(copied->damaged, 1);
}

TEST_F(BackupTest, OverwritesNothing) {
  { Data home(home_); }
  EXPECT_EQ(copy(folder_.path() / "none", backup_).error().code, ErrorCode::not_found);
  EXPECT_EQ(copy(home_, home_).error().code, ErrorCode::already_exists);
  fs::create_directory(backup_);
  ASSERT_TRUE(copy(home_, backup_.string() + "/"));  // an empty folder is no loss
  EXPECT_EQ(copy(home_, backup_).error().code, ErrorCode::already_exists);
  fs::create_directory(folder_.path() / "other.partial");
  EXPECT_EQ(copy(home_, folder_.path() / "other").error().code, ErrorCode::already_exists);
}

TEST_F(BackupTest, IsNotMadeWithinWhatItCopies) {
  const Data server(folder_.path() / "data");
  fs::create_directory_symlink("data", folder_.path() / "link");
  for (const char* to : {"data/backup", "link/a/b", "x/../data/b"}) {
    const auto copied = copy(folder_.path() / "data", folder_.path() / to);
    ASSERT_FALSE(copied) << to;
    EXPECT_EQ(copied.error().code, ErrorCode::invalid_argument) << copied.error().message;
  }
  EXPECT_FALSE(fs::exists(folder_.path() / "data/backup.partial"));
  EXPECT_TRUE(copy(folder_.path() / "data", folder_.path() / "data-2"));
}

TEST_F(BackupTest, RefusesADatabaseThatIsNotOurs) {
  fs::create_directory(home_);
  std::ofstream(home_ / "imagined.db") << "no database at all, but long enough to be looked at";
  const auto copied = copy(home_, backup_);
  ASSERT_FALSE(copied);
  EXPECT_FALSE(fs::exists(backup_));
}

TEST_F(BackupTest, IsOfOneMomentWhileOthersWrite) {
  Data home(home_);
  const std::string blob = home.put("a picture");
  std::jthread writer([&](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i) home.finish("p" + std::to_string(i), blob);
  });
  for (int i = 0; i < 3; ++i) {
    const fs::path to = backup_.string() + std::to_string(i);
    ASSERT_TRUE(copy(home_, to));
    Data restored(to);
    // Each picture is written with the end of its job: the one without the other is no moment.
    const auto pictures = *restored.archive.find_pictures({.count_max = 1'000'000});
    for (const auto& each : pictures)
      EXPECT_EQ(restored.jobs.find(each.picture.job_id)->state, service::JobState::succeeded);
  }
}

}  // namespace
}  // namespace imagined::storage

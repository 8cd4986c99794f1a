// What only the disk can do: fill up, rot, be somebody else's.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/folder_testing.h"
#include "contract/some_job.h"
#include "storage/disk/data_dir.h"
#include "storage/disk/disk_blob_store.h"
#include "storage/sqlite/sqlite_job_store.h"

namespace imagined::storage {
namespace {

namespace fs = std::filesystem;

const SystemClock kClock;

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file()) files.push_back(entry.path());
  return files;
}

/// Runs `body` in a child in which no file may grow beyond `bytes_max`: the nearest thing to a full
/// disk that needs no rights. True when the body says so.
bool with_file_limit(rlim_t bytes_max, const std::function<bool()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);  // so that write(2) fails instead
    const rlimit limit{bytes_max, bytes_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::_exit(body() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(DiskBlobStore, SaysStorageFullAndLeavesNothingBehindWhenAWriteFails) {
  const TestFolder folder;
  EXPECT_TRUE(with_file_limit(10'000, [&] {
    const auto store = DiskBlobStore::open(folder.path(), kClock);
    const auto hash = (*store)->put(std::vector<std::uint8_t>(50'000, 1));
    return !hash && hash.error().code == ErrorCode::storage_full &&
           hash.error().message == "no room left to store data";
  }));
  EXPECT_TRUE(files_below(folder.path()).empty());
}

TEST(DiskBlobStore, WorksAgainOnceThereIsRoom) {
  const TestFolder folder;
  const std::vector<std::uint8_t> bytes(50'000, 1);
  with_file_limit(10'000, [&] {
    return (*DiskBlobStore::open(folder.path(), kClock))->put(bytes).has_value();
  });
  const auto store = *DiskBlobStore::open(folder.path(), kClock);
  EXPECT_EQ(*store->get(*store->put(bytes)), bytes);
}

TEST(DiskBlobStore, KeepsTheLastTwentiethForTheDatabase) {
  const TestFolder folder;
  DiskSpace space{.total_bytes = 100u << 20, .free_bytes = 0};
  const auto store = *DiskBlobStore::open(
      folder.path(), kClock, [&](const fs::path&) -> Result<DiskSpace> { return space; });
  const std::vector<std::uint8_t> bytes(1000, 1);
  space.free_bytes = 5u << 20;  // the reserve, whole
  EXPECT_TRUE(store->check_room());
  space.free_bytes = (5u << 20) - 1;  // touched: no new work, but what runs may end
  EXPECT_EQ(store->check_room().error().code, ErrorCode::storage_full);
  EXPECT_TRUE(store->put(bytes));
  space.free_bytes = (5u << 19) + 999;  // would go beyond its half
  EXPECT_EQ(store->put(bytes).error().code, ErrorCode::storage_full);
}

// Blobs of one child after another, each killed at some moment of its writing.
TEST(DiskBlobStore, NeverGivesOutABlobThatWasNotWrittenWhole) {
  const TestFolder folder;
  std::mt19937 random(std::random_device{}());
  constexpr int kKills = 200;
  for (int i = 0; i < kKills; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto store = DiskBlobStore::open(folder.path(), kClock);
      for (std::uint8_t k = 0; store; ++k)
        if (!(*store)->put(std::vector<std::uint8_t>(30'000 + i, k))) break;
      ::_exit(1);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 5'000));  // somewhere in it
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child could not write";
  }
  const auto store = *DiskBlobStore::open(folder.path(), kClock);
  const auto blobs = *store->list({}, 1'000'000);
  for (const auto& blob : blobs) EXPECT_TRUE(store->get(blob.hash)) << blob.hash;
}

TEST(DiskBlobStore, NeverGivesOutBytesThatHaveRotted) {
  const TestFolder folder;
  const auto store = *DiskBlobStore::open(folder.path(), kClock);
  const std::string hash = *store->put(std::vector<std::uint8_t>(1000, 1));
  const fs::path file = files_below(folder.path()).front();
  std::mt19937 random(5);
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  const auto write_at = [&stream](std::streamoff place, int byte) {
    stream.seekp(place).put(static_cast<char>(byte)).flush();
  };
  for (int i = 0; i < 1'000; ++i) {
    const std::streamoff place = random() % 1'000;
    write_at(place, 1 ^ 1 << random() % 8);  // one bit
    EXPECT_EQ(store->get(hash).error().code, ErrorCode::data_loss);
    write_at(place, 1);
  }
  EXPECT_TRUE(store->get(hash));
  fs::resize_file(file, 999);
  EXPECT_EQ(store->get(hash).error().code, ErrorCode::data_loss);
}

TEST(DiskBlobStore, HealsADamagedBlobWhenTheSameBytesComeAgain) {
  const TestFolder folder;
  const auto store = *DiskBlobStore::open(folder.path(), kClock);
  const std::vector<std::uint8_t> bytes(1000, 1);
  const std::string hash = *store->put(bytes);
  const fs::path file = files_below(folder.path()).front();
  for (const std::uintmax_t size : {std::uintmax_t{999}, std::uintmax_t{0}, std::uintmax_t{1001}}) {
    fs::resize_file(file, size);
    ASSERT_EQ(store->get(hash).error().code, ErrorCode::data_loss);
    EXPECT_EQ(store->put(bytes), hash);
    EXPECT_EQ(store->get(hash), bytes);
  }
  EXPECT_EQ(files_below(folder.path()).size(), 1u) << "a temporary file was left";
}

TEST(DiskBlobStore, RemovesWhatADeadProcessLeftAndNothingElse) {
  const TestFolder folder;
  ManualClock clock;
  const auto store = *DiskBlobStore::open(folder.path(), clock);
  const std::string hash = *store->put(std::vector<std::uint8_t>{1});
  // As a put that was killed leaves them: one long ago, one a moment ago.
  for (const char* name : {"a/old.tmp", "f/new.tmp"}) std::ofstream(folder.path() / name) << "x";
  const auto moment = fs::last_write_time(folder.path() / "f/new.tmp");
  fs::last_write_time(folder.path() / "a/old.tmp", moment - std::chrono::hours(2));
  const std::int64_t now_ms = kClock.unix_ms();
  EXPECT_EQ(store->remove_leftovers(now_ms - 3'600'000), 1);
  EXPECT_FALSE(fs::exists(folder.path() / "a/old.tmp"));
  EXPECT_TRUE(fs::exists(folder.path() / "f/new.tmp"));
  EXPECT_TRUE(store->get(hash));
}

TEST(DiskBlobStore, SaysUnavailableAndNotLostWhenThereIsNoDescriptor) {
  const TestFolder folder;
  const auto store = *DiskBlobStore::open(folder.path(), kClock);
  const std::string hash = *store->put(std::vector<std::uint8_t>{1});
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{3, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto bytes = store->get(hash);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(bytes);
  EXPECT_EQ(bytes.error().code, ErrorCode::unavailable);
}

TEST(DiskBlobStore, FilesAreNamedByContentAndPrivate) {
  const TestFolder folder;
  const auto store = *DiskBlobStore::open(folder.path(), kClock);
  const std::string hash = *store->put(std::vector<std::uint8_t>{'a', 'b', 'c'});
  const auto files = files_below(folder.path());
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files[0], folder.path() / "b" / hash);
  EXPECT_EQ(fs::status(files[0]).permissions() & fs::perms::all,
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST(DataDir, IsMadePrivateWithAllItsParents) {
  const TestFolder folder;
  const auto dir = DataDir::open(folder.path() / "a" / "b");
  ASSERT_TRUE(dir);
  EXPECT_EQ(fs::status(dir->path()).permissions() & fs::perms::all, fs::perms::owner_all);
}

TEST(DataDir, RefusesAPathThatIsAFile) {
  const TestFolder folder;
  std::ofstream(folder.path() / "file") << "x";
  const auto dir = DataDir::open(folder.path() / "file");
  ASSERT_FALSE(dir);
  EXPECT_EQ(dir.error().code, ErrorCode::failed_precondition);
  EXPECT_TRUE(dir.error().message.ends_with("file: not a folder")) << dir.error().message;
}

TEST(DataDir, SecretsStayAndDiffer) {
  const TestFolder folder;
  const auto dir = *DataDir::open(folder.path());
  const std::string pepper = *dir.secret("pepper");
  EXPECT_EQ(pepper.size(), 64u);
  EXPECT_EQ(*dir.secret("pepper"), pepper);
  EXPECT_NE(*dir.secret("links"), pepper);
  struct stat status {};
  ASSERT_EQ(::stat((folder.path() / "pepper.secret").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(files_below(folder.path()).size(), 2u) << "a temporary file was left";
}

TEST(DataDir, ManyThatAskAtOnceGetTheSameSecret) {
  const TestFolder folder;
  const auto dir = *DataDir::open(folder.path());
  std::vector<std::string> secrets(8);
  {
    std::vector<std::jthread> threads;
    for (std::string& secret : secrets)
      threads.emplace_back([&] { secret = dir.secret("pepper").value_or("failed"); });
  }
  for (const std::string& secret : secrets) EXPECT_EQ(secret, *dir.secret("pepper"));
}

TEST(DataDir, RefusesSecretsThatAreNotSecret) {
  const TestFolder folder;
  const auto dir = *DataDir::open(folder.path());
  ASSERT_TRUE(dir.secret("pepper"));
  ASSERT_EQ(::chmod((folder.path() / "pepper.secret").c_str(), 0644), 0);
  EXPECT_EQ(dir.secret("pepper").error().code, ErrorCode::failed_precondition);
  const fs::path empty = folder.path() / "empty.secret";
  std::ofstream(empty) << "";
  ASSERT_EQ(::chmod(empty.c_str(), 0600), 0);
  EXPECT_EQ(dir.secret("empty").error().code, ErrorCode::failed_precondition);
}

TEST(DataDirLock, RefusesASecondServer) {
  const TestFolder folder;
  const auto dir = *DataDir::open(folder.path());
  const auto first = DataDirLock::acquire(dir);
  ASSERT_TRUE(first);
  const auto second = DataDirLock::acquire(dir);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::failed_precondition);
  EXPECT_EQ(second.error().message, "another imagined server is using this data directory: pid " +
                                        std::to_string(::getpid()));
}

TEST(DataDirLock, IsFreeAgainWhenItsHolderEnds) {
  const TestFolder folder;
  const auto dir = *DataDir::open(folder.path());
  { const auto first = DataDirLock::acquire(dir); }
  EXPECT_TRUE(DataDirLock::acquire(dir));
}

TEST(DataDirLock, SaysWhoHoldsItAndTakesNothingByAsking) {
  const TestFolder folder;
  const auto dir = *DataDir::open(folder.path());
  EXPECT_EQ(DataDirLock::holder(folder.path()), std::nullopt);
  {
    const auto lock = DataDirLock::acquire(dir);
    EXPECT_EQ(DataDirLock::holder(folder.path()), "pid " + std::to_string(::getpid()));
  }
  EXPECT_EQ(DataDirLock::holder(folder.path()), std::nullopt);
  EXPECT_EQ(DataDirLock::holder(folder.path() / "nowhere"), std::nullopt);
}

TEST(DataDirLock, IsNotInheritedByAWorkerThatOutlivesTheServer) {
  const TestFolder folder;
  const auto dir = *DataDir::open(folder.path());
  const int before = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const auto lock = DataDirLock::acquire(dir);
  // The lock's descriptor is the next one after `before`.
  EXPECT_EQ(::fcntl(before + 1, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
  ::close(before);
}

/// A file system of its own, if this process may mount one.
class SmallDisk {
 public:
  explicit SmallDisk(const char* size_option) {
    mounted_ = ::mount("none", folder_.path().c_str(), "tmpfs", 0, size_option) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  const fs::path& path() const { return folder_.path(); }

 private:
  TestFolder folder_;
  bool mounted_ = false;
};

TEST(FullDisk, EndsJobsWithAClearErrorAndRecoversWhenThereIsRoomAgain) {
  const SmallDisk disk("size=8m");
  if (!disk.mounted()) GTEST_SKIP() << "this process may not mount a small file system";
  const SystemClock clock;
  const auto database = *SqliteDatabase::open(disk.path() / "imagined.db");
  SqliteJobStore jobs(*database, clock);
  const auto blobs = *DiskBlobStore::open(disk.path() / "blobs", clock);
  // Pictures of 200 kB until there is no room: each job ends, the last one with an error.
  std::optional<service::Job> last;
  std::optional<Error> full;
  for (int i = 0; i < 100 && !full; ++i) {
    ASSERT_TRUE(jobs.insert(some_job(clock)));
    const service::ClaimedJob claimed = claim_from(jobs);
    last = claimed.job;
    std::vector<std::uint8_t> picture(200'000, 1);
    picture[0] = static_cast<std::uint8_t>(i);
    const auto blob = blobs->put(picture);
    if (!blob) full = blob.error();
    ASSERT_TRUE(blob ? jobs.complete(claimed.lease(), {})
                     : jobs.fail(claimed.lease(), blob.error()));
  }
  ASSERT_TRUE(full);
  EXPECT_EQ(full->code, ErrorCode::storage_full);
  EXPECT_EQ(jobs.find(last->id)->error->message, "no room left to store data");
  EXPECT_EQ(blobs->check_room().error().code, ErrorCode::storage_full);

  fs::remove_all(disk.path() / "blobs");
  fs::create_directory(disk.path() / "blobs");
  EXPECT_TRUE(blobs->check_room());
  EXPECT_TRUE(blobs->put(std::vector<std::uint8_t>(200'000, 1)));
  EXPECT_TRUE(jobs.insert(some_job(clock)));
}

}  // namespace
}  // namespace imagined::storage

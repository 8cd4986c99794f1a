// A loss of power at any moment: what SQLite had written and not synced is lost, or there, or in
// pieces of a sector. Nothing that was promised may be lost, nothing may be there twice, and the
// books are right. The blobs' own files are not cut: they are synced before a row names them
// (disk_blob_store.cpp), which this does not prove.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "base/folder_testing.h"
#include "contract/life_of_a_job.h"
#include "contract/recorded_disk.h"

namespace imagined::storage {
namespace {

using Luck = RecordedDisk::Luck;

/// Another one at each repetition.
std::uint64_t next_seed() {
  static std::uint64_t seed = 0;
  return ++seed;
}

/// The stores of a data folder on a disk that is recorded from then on.
class PowerCut : public testing::Test {
 protected:
  PowerCut() {
    std::filesystem::create_directory(data_);
    { const Stores made(data_, folder_.path()); }  // the schema has its own test
    disk_.begin(data_);
  }

  /// Whether a promise was told of before the cut.
  using Told = std::vector<std::pair<std::size_t, std::string>>;
  void promise(std::string what) {
    const std::lock_guard lock(mutex_);
    told_.emplace_back(disk_.now(), std::move(what));
  }
  std::vector<std::string> promises_until(std::size_t moment) const {
    std::vector<std::string> all;
    for (const auto& [at, what] : told_)
      if (at <= moment) all.push_back(what);
    return all;
  }

  template <class Check>
  void cut(std::size_t moment, Luck luck, const Check& check) {
    SCOPED_TRACE(fmt::format("power lost at moment {}, seed {}", moment, seed_));
    const TestFolder after(memory_folder());
    disk_.cut(moment, luck, random_, after.path());
    Stores stores(after.path(), folder_.path());
    check(stores, promises_until(moment));
    ++cuts_;
  }

  const std::uint64_t seed_ = next_seed();
  std::mt19937_64 random_{seed_};
  const TestFolder folder_{memory_folder()};
  const std::filesystem::path data_ = folder_.path() / "data";
  RecordedDisk disk_;
  std::mutex mutex_;
  Told told_;
  int cuts_ = 0;
};

TEST_F(PowerCut, AtAnyMomentOfTwoJobsLosesNothingAndDoesNothingTwice) {
  {
    Stores stores(data_, folder_.path());
    ASSERT_EQ(live(stores, [&](Promise what) { promise({static_cast<char>(what)}); }), 0);
    disk_.end();
  }
  constexpr int kSubsets = 9;  // of the writes that were not synced
  const std::size_t end = disk_.now();
  for (std::size_t moment = 0; moment <= end && !HasFailure(); ++moment)
    for (int subset = 0; subset < kSubsets; ++subset)
      cut(moment, subset == 0 ? Luck::none : Luck::some,
          [](Stores& stores, const std::vector<std::string>& promises) {
            std::string all;
            for (const std::string& each : promises) all += each;
            check_and_go_on(stores, all);
          });
  EXPECT_GT(cuts_, 900);
  RecordProperty("cuts", cuts_);
}

// Many commit together, and are answered when the log is synced; the log is copied into the file
// and begun anew under their hands.
TEST_F(PowerCut, WhileManyAreServedKeepsWhatEachWasPromised) {
  constexpr int kThreads = 4;
  constexpr int kEach = 12;
  constexpr int kCuts = 300;
  {
    Stores stores(data_, folder_.path());
    {
      std::vector<std::jthread> threads;
      for (int thread = 0; thread < kThreads; ++thread)
        threads.emplace_back([&, thread] {
          for (int i = 0; i < kEach; ++i) {
            const std::string id = fmt::format("{}-{}", thread, i);
            if (stores.jobs.insert(wanted_job(id, id))) promise(id);
            if (i % 5 != thread) continue;
            Connection& connection = stores.database->crash_safe();
            const auto lock = connection.lock();
            EXPECT_TRUE(connection.execute("PRAGMA wal_checkpoint(FULL)"));
          }
        });
    }
    disk_.end();
  }
  EXPECT_EQ(std::ssize(told_), kThreads * kEach);
  const std::size_t end = disk_.now();
  while (cuts_ < kCuts && !HasFailure()) {
    const Luck luck = cuts_ % 4 == 0 ? Luck::none : Luck::some;
    cut(random_() % (end + 1), luck, [](Stores& stores, const std::vector<std::string>& promises) {
      EXPECT_EQ(count(stores,
                      "SELECT count(*) FROM pragma_integrity_check WHERE "
                      "integrity_check <> 'ok'"),
                0);
      for (const std::string& id : promises) EXPECT_TRUE(stores.jobs.find(id)) << id;
      expect_right_books(stores);
    });
  }
  RecordProperty("cuts", cuts_);
}

}  // namespace
}  // namespace imagined::storage

#include "storage/sqlite/commit_group.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "contract/temporary_database.h"
#include "storage/sqlite/connection.h"

namespace imagined::storage {
namespace {

Work insert(int number) {
  return [number](Connection& connection) -> Result<void> {
    Statement statement = TRY(connection.prepare("INSERT INTO numbers (number) VALUES (?)"));
    return statement.bind(number).run();
  };
}

class CommitGroupTest : public testing::Test {
 protected:
  CommitGroupTest() {
    EXPECT_TRUE(connection_.execute("CREATE TABLE numbers (number INTEGER UNIQUE)"));
  }

  std::vector<std::int64_t> numbers() {
    auto rows = file_.database->reader().prepare("SELECT number FROM numbers ORDER BY number");
    std::vector<std::int64_t> found;
    while (*rows->step()) found.push_back(rows->integer(0));
    return found;
  }

  TemporaryDatabase file_;
  Connection& connection_ = file_.database->crash_safe();
};

TEST_F(CommitGroupTest, OneThatFailsTakesBackItsOwnAndNothingElse) {
  const Work fails_half_way = [](Connection& connection) -> Result<void> {
    TRY(insert(2)(connection));
    return fail(ErrorCode::resource_exhausted, "half-way");
  };
  const Work works[] = {insert(1), fails_half_way, insert(1), insert(3)};
  const auto results = commit_together(connection_, works);
  ASSERT_EQ(results.size(), 4u);
  EXPECT_TRUE(results[0]);
  EXPECT_EQ(results[1].error().message, "half-way");
  EXPECT_EQ(results[2].error().code, ErrorCode::already_exists);
  EXPECT_TRUE(results[3]);
  EXPECT_EQ(numbers(), (std::vector<std::int64_t>{1, 3}));
}

TEST_F(CommitGroupTest, AllOfACommitThatFailsHaveFailed) {
  const Work ends_the_transaction = [](Connection& connection) -> Result<void> {
    TRY(connection.execute("ROLLBACK"));  // what SQLite does by itself when the disk is full
    return fail(ErrorCode::storage_full, "full");
  };
  const Work works[] = {insert(1), ends_the_transaction, insert(3)};
  const auto results = commit_together(connection_, works);
  ASSERT_EQ(results.size(), 3u);
  for (const auto& result : results) EXPECT_EQ(result.error().code, ErrorCode::storage_full);
  EXPECT_TRUE(numbers().empty());
  EXPECT_TRUE(commit_together(connection_, {works, 1}).front()) << "the next commit is a new one";
}

TEST_F(CommitGroupTest, KeepsWhatEachOfManyThreadsWasPromised) {
  constexpr int kThreads = 8;
  constexpr int kEach = 25;
  CommitGroup& group = file_.database->group();
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread)
      threads.emplace_back([&group, thread] {
        for (int i = 0; i < kEach; ++i) {
          EXPECT_TRUE(group.run(insert(thread * kEach + i)));
          EXPECT_FALSE(group.run(insert(thread * kEach + i))) << "it is there by now";
        }
      });
  }
  EXPECT_EQ(std::ssize(numbers()), kThreads * kEach);
}

TEST(SharedSync, ReturnsAfterASyncThatBeganLaterThanTheCall) {
  // What is written before the call must be covered: a sync under way may have passed it by.
  std::atomic<int> written = 0;
  std::atomic<int> on_disk = 0;
  std::atomic<int> syncs = 0;
  SharedSync sync([&] {
    const int covered = written;
    ++syncs;
    std::this_thread::yield();
    on_disk = covered;
  });
  constexpr int kThreads = 8;
  constexpr int kEach = 200;
  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < kThreads; ++thread)
      threads.emplace_back([&] {
        for (int i = 0; i < kEach; ++i) {
          const int mine = ++written;
          sync.wait();
          EXPECT_GE(on_disk, mine);
        }
      });
  }
  EXPECT_LE(syncs, kThreads * kEach);
}

}  // namespace
}  // namespace imagined::storage

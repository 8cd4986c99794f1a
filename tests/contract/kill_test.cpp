// kill -9 between any two statements. A child process takes a job through its life (submit, claim,
// store, complete) and is killed at the beginning or the end of its n-th SQL statement, for every
// n; then a new process goes on with what it finds. Nothing that was promised may be lost, nothing
// may be there twice.
//
// Each run kills at every statement once; `--gtest_repeat=N` repeats that.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "base/folder_testing.h"
#include "contract/life_of_a_job.h"

namespace imagined::storage {
namespace {

// In the child only: statements begin and end until it is over.
int moments_left = -1;

int die_when_it_is_time(unsigned, void*, void*, void*) {
  if (moments_left >= 0 && moments_left-- == 0) ::kill(::getpid(), SIGKILL);
  return 0;
}

// SQLite calls this for every connection that is opened; nothing of ours knows of it.
int watch_statements(sqlite3* handle, const char**, const void*) {
  return sqlite3_trace_v2(handle, SQLITE_TRACE_STMT | SQLITE_TRACE_PROFILE, die_when_it_is_time,
                          nullptr);
}

struct Outcome {
  std::string promises;
  bool killed = false;
};

/// Runs `body` in a child that is killed at a moment of it, unless it ends before.
Outcome run_and_kill(int moment, const std::function<void(int pipe)>& body) {
  std::array<int, 2> pipe{};
  EXPECT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(pipe[0]);
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(watch_statements));
    moments_left = moment;
    body(pipe[1]);
    ::_exit(0);
  }
  ::close(pipe[1]);
  Outcome outcome;
  std::array<char, 16> bytes{};
  for (ssize_t count; (count = ::read(pipe[0], bytes.data(), bytes.size())) > 0;)
    outcome.promises.append(bytes.data(), static_cast<std::size_t>(count));
  ::close(pipe[0]);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  outcome.killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  EXPECT_TRUE(outcome.killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
      << "exit " << WEXITSTATUS(status);
  return outcome;
}

/// Lives, and does not return.
[[noreturn]] void live_in_child(Stores& stores, int pipe) {
  const int result = live(stores, [pipe](Promise promise) {
    const char byte = static_cast<char>(promise);
    if (::write(pipe, &byte, 1) != 1) ::_exit(2);
  });
  ::_exit(result);
}

TEST(Kill, BetweenAnyTwoStatementsLosesNothingAndDoesNothingTwice) {
  int kills = 0;
  for (int moment = 0; !HasFailure(); ++moment) {
    SCOPED_TRACE(fmt::format("killed at moment {}", moment));
    const TestFolder folder(memory_folder());
    { const Stores made(folder.path()); }  // the schema has its own test
    const Outcome outcome = run_and_kill(moment, [&](int pipe) {
      Stores stores(folder.path());
      live_in_child(stores, pipe);
    });
    Stores stores(folder.path());
    check_and_go_on(stores, outcome.promises);
    if (!outcome.killed) break;
    ++kills;
  }
  EXPECT_GT(kills, 60);
  RecordProperty("kills", kills);
}

ClaimedJob claim_for_a_moment(Stores& stores) {
  const std::vector<std::string> models = {"fast"};
  constexpr service::JobKind kKinds[] = {service::JobKind::pictures};
  auto job =
      stores.jobs.claim({.worker_id = "frozen", .models = models, .kinds = kKinds, .lease_ms = 1});
  CHECK(job && *job, "nothing to claim");
  return std::move(**job);
}

// reliability.md J2: `--gtest_repeat=20` is 1,000 workers.
TEST(Kill, AWorkerThatWasFrozenPastItsLeaseCommitsNothing) {
  constexpr int kWorkers = 50;
  for (int i = 0; i < kWorkers && !HasFailure(); ++i) {
    const TestFolder folder(memory_folder());
    { const Stores made(folder.path()); }
    const pid_t worker = ::fork();
    if (worker == 0) {
      Stores stores(folder.path());
      if (!stores.jobs.insert(wanted_job("first", {}))) ::_exit(3);
      const auto mine = claim_for_a_moment(stores);
      const auto pictures = make_pictures(stores, mine.job);
      ::raise(SIGSTOP);
      ::_exit(stores.jobs.complete(mine.lease(), pictures) ? 4 : 0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(worker, &status, WUNTRACED), worker);
    ASSERT_TRUE(WIFSTOPPED(status)) << status;
    Stores stores(folder.path());
    while (stores.jobs.rescue(service::Stranded::by_lease())->empty()) {
    }
    const ClaimedJob taken = claim_from(stores.jobs, "other");
    const bool is_over = i % 2 == 0;  // or the other one is still at work
    const auto finish = [&] {
      ASSERT_TRUE(stores.jobs.complete(taken.lease(), make_pictures(stores, taken.job)));
    };
    if (is_over) finish();
    ::kill(worker, SIGCONT);
    ASSERT_EQ(::waitpid(worker, &status, 0), worker);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0) << "a stale commit";
    if (!is_over) finish();
    expect_whole(stores, *stores.jobs.find("first"));
    expect_right_books(stores);
  }
}

TEST(Kill, InTheMiddleOfAMigrationLeavesTheOldSchemaOrTheNewOne) {
  std::ifstream dump(std::filesystem::path(IMAGINED_SOURCE_DIR) /
                     "tests/contract/data/schema1.sql");
  const std::string old_schema(std::istreambuf_iterator<char>(dump), {});
  int kills = 0;
  for (int moment = 0; !HasFailure(); ++moment) {
    SCOPED_TRACE(fmt::format("killed at moment {}", moment));
    const TestFolder folder(memory_folder());
    const std::filesystem::path file = folder.path() / "imagined.db";
    sqlite3* handle = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(handle, old_schema.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(handle);
    const Outcome outcome = run_and_kill(moment, [&](int) { const Stores stores(folder.path()); });
    Stores stores(folder.path());
    EXPECT_EQ(count(stores, "SELECT count(*) FROM jobs"), 6);
    EXPECT_EQ(count(stores, "SELECT count(*) FROM pictures"), 3);
    EXPECT_EQ(count(stores, "SELECT count(*) FROM jobs WHERE state = 'queued'"), 3);
    EXPECT_EQ(
        count(stores, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name LIKE '%2'"),
        0);
    if (!outcome.killed) break;
    ++kills;
  }
  EXPECT_GT(kills, 40);
  RecordProperty("kills", kills);
}

}  // namespace
}  // namespace imagined::storage

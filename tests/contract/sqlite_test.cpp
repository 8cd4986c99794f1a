// What only SQLite can do: be old, foreign, broken, shared.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/folder_testing.h"
#include "contract/some_job.h"
#include "contract/temporary_database.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/sqlite_archive.h"
#include "storage/sqlite/sqlite_job_store.h"
#include "storage/sqlite/sqlite_key_store.h"

namespace imagined::storage {
namespace {

/// A job of half a megabyte.
service::NewJob large_job(const Clock& clock) {
  service::NewJob job = some_job(clock);
  job.payload = service::PictureRequest{
      .model = "fast", .prompt = service::Prompt::trusted(std::string(500'000, 'p'))};
  return job;
}

std::int64_t pragma(Connection& connection, const char* sql) {
  auto statement = connection.prepare(sql);
  EXPECT_TRUE(*statement->step());
  return statement->integer(0);
}

/// Runs SQL on a file without any of our settings.
void run_plain(const std::filesystem::path& file, const char* sql) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(handle, sql, nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(handle);
}

TEST(SqliteDatabase, HasTheSettingsThatItsPromisesNeed) {
  TemporaryDatabase file;
  Connection& writer = file.database->power_safe();
  EXPECT_EQ(pragma(writer, "PRAGMA synchronous"), 2);  // FULL
  EXPECT_EQ(pragma(writer, "PRAGMA foreign_keys"), 1);
  EXPECT_EQ(pragma(writer, "PRAGMA trusted_schema"), 0);
  EXPECT_EQ(writer.prepare("PRAGMA journal_mode")->step(), true);
  EXPECT_EQ(pragma(file.database->crash_safe(), "PRAGMA synchronous"), 1);  // NORMAL
}

TEST(SqliteDatabase, KeepsJobsAcrossARestart) {
  const TestFolder folder;
  const SystemClock clock;
  const service::NewJob job = some_job(clock);
  {
    const auto database = *SqliteDatabase::open(folder.path() / "db");
    ASSERT_TRUE(SqliteJobStore(*database, clock).insert(job));
  }
  const auto database = *SqliteDatabase::open(folder.path() / "db");
  SqliteJobStore store(*database, clock);
  EXPECT_EQ(claim_from(store).payload, job.payload);
}

TEST(SqliteDatabase, RefusesAFileOfANewerProgram) {
  const TestFolder folder;
  const auto file = folder.path() / "db";
  ASSERT_TRUE(SqliteDatabase::open(file));
  run_plain(file, "PRAGMA user_version = 999");
  const auto database = SqliteDatabase::open(file);
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().code, ErrorCode::failed_precondition);
  EXPECT_TRUE(database.error().message.starts_with(
      "the database was written by a newer imagined: it has schema 999, this program knows up to "))
      << database.error().message;
}

TEST(SqliteDatabase, RefusesADatabaseOfSomebodyElse) {
  const TestFolder folder;
  run_plain(folder.path() / "db", "CREATE TABLE songs (title TEXT)");
  EXPECT_EQ(SqliteDatabase::open(folder.path() / "db").error().code,
            ErrorCode::failed_precondition);
}

TEST(SqliteDatabase, RefusesAFileThatIsNoDatabase) {
  const TestFolder folder;
  std::ofstream(folder.path() / "db") << std::string(10'000, 'x');
  EXPECT_EQ(SqliteDatabase::open(folder.path() / "db").error().code, ErrorCode::data_loss);
}

TEST(SqliteDatabase, ManyThatOpenANewFileAtOnceAllSucceed) {
  const TestFolder folder;
  std::vector<std::string> outcomes(6);
  {
    std::vector<std::jthread> threads;
    for (std::string& outcome : outcomes)
      threads.emplace_back([&] {
        const auto database = SqliteDatabase::open(folder.path() / "db");
        outcome = database ? "ok" : database.error().detail;
      });
  }
  for (const std::string& outcome : outcomes) EXPECT_EQ(outcome, "ok");
}

TEST(SqliteDatabase, MovesALongLogIntoTheFile) {
  TemporaryDatabase file;
  const SystemClock clock;
  SqliteJobStore store(*file.database, clock);
  for (int i = 0; i < 50; ++i)  // 25 MB; the log may grow to 16 MB and one more job
    ASSERT_TRUE(store.insert(large_job(clock)));
  EXPECT_LT(std::filesystem::file_size(file.folder.path() / "imagined.db-wal"), 18u << 20);
  EXPECT_GT(std::filesystem::file_size(file.folder.path() / "imagined.db"), 8u << 20);
}

TEST(SqliteJobStore, SaysStorageFullAndKeepsWhatItHasWhenThereIsNoRoom) {
  TemporaryDatabase file;
  const SystemClock clock;
  SqliteJobStore store(*file.database, clock);
  const service::Job kept = *store.insert(some_job(clock));
  // What SQLite makes of ENOSPC, without a disk to fill.
  ASSERT_TRUE(*file.database->crash_safe().prepare("PRAGMA max_page_count = 60")->step());
  const service::NewJob large = large_job(clock);
  const auto refused = store.insert(large);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::storage_full);
  EXPECT_EQ(refused.error().message, "no room left to store data");
  EXPECT_TRUE(store.find(kept.id));
  EXPECT_EQ(store.find(large.job.id).error().code, ErrorCode::not_found);
  EXPECT_TRUE(store.insert(some_job(clock))) << "the next small one fits";
}

TEST(SqliteJobStore, ClaimsByTheIndexOfOpenJobs) {
  TemporaryDatabase file;
  auto plan = file.database->power_safe().prepare(
      "EXPLAIN QUERY PLAN SELECT id FROM jobs WHERE state IN ('queued', 'running') AND "
      "state = 'queued' AND (deliver_by_ms = 0 OR deliver_by_ms > ?) "
      "AND model IN (SELECT value FROM json_each(?)) "
      "AND payload_version <= (SELECT value FROM json_each(?) WHERE key = kind) "
      "ORDER BY sequence LIMIT 1");
  ASSERT_TRUE(*plan->step());
  EXPECT_NE(plan->text(3).find("jobs_open"), std::string::npos) << plan->text(3);
}

TEST(SqliteJobStore, CountsTheOpenJobsOfAKeyWithoutThoseThatHaveEnded) {
  TemporaryDatabase file;
  auto plan = file.database->crash_safe().prepare(
      "EXPLAIN QUERY PLAN SELECT count(*) FROM jobs WHERE state IN ('queued', 'running') AND "
      "+key_id = ?");
  ASSERT_TRUE(*plan->step());
  EXPECT_NE(plan->text(3).find("jobs_open"), std::string::npos) << plan->text(3);
}

TEST(SqliteJobStore, SharesItsFileWithAnotherProcess) {
  const TestFolder folder;
  const auto path = folder.path() / "db";
  const SystemClock clock;
  constexpr int kJobs = 20;
  {
    const auto database = *SqliteDatabase::open(path);
    SqliteJobStore store(*database, clock);
    for (int i = 0; i < kJobs; ++i) ASSERT_TRUE(store.insert(some_job(clock)));
  }
  // No connection may live across a fork: each side opens its own.
  const auto work = [&](SqliteDatabase::Role role) {
    const auto database = *SqliteDatabase::open(path, role);
    SqliteJobStore store(*database, clock);
    int done = 0;
    while (true) {
      const auto job = try_claim_from(store);
      if (!job) return -1;
      if (!*job) return done;
      if (!store.complete((*job)->lease(), {})) return -1;
      ++done;
    }
  };
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work(SqliteDatabase::Role::worker));
  const int mine = work(SqliteDatabase::Role::server);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(mine + WEXITSTATUS(status), kJobs);
}

TEST(SqliteJobStore, KeepsAllOrNothingOfACompletion) {
  TemporaryDatabase file;
  const SystemClock clock;
  SqliteJobStore store(*file.database, clock);
  ASSERT_TRUE(store.insert(some_job(clock)));
  const service::ClaimedJob claimed = claim_from(store);
  const service::StoredPicture picture{.id = "same", .job_id = claimed.job.id};
  service::StoredPicture twin = picture;
  twin.index = 1;
  EXPECT_FALSE(store.complete(claimed.lease(), {picture, twin}));
  EXPECT_EQ(store.find(claimed.job.id)->state, service::JobState::running);
  EXPECT_EQ(SqliteArchive(*file.database).find_picture("same").error().code, ErrorCode::not_found);
}

TEST(SqliteJobStore, APayloadThatCannotBeReadFailsItsOwnJobAndNoOther) {
  TemporaryDatabase file;
  const SystemClock clock;
  SqliteJobStore store(*file.database, clock);
  const service::Job damaged = *store.insert(some_job(clock));
  const service::Job cut = *store.insert(some_job(clock));
  run_plain(file.folder.path() / "imagined.db",
            fmt::format("UPDATE jobs SET payload = replace(payload, 'auto', '7:5') WHERE id = '{}';"
                        "UPDATE jobs SET payload = substr(payload, 2) WHERE id = '{}'",
                        damaged.id, cut.id)
                .c_str());
  const service::Job whole = *store.insert(some_job(clock));
  EXPECT_EQ(claim_from(store).job.id, whole.id) << "the first that can be read";
  for (const service::Job& job : {damaged, cut}) {
    const auto failed = store.find(job.id);
    ASSERT_TRUE(failed);
    EXPECT_EQ(failed->state, service::JobState::failed);
    EXPECT_EQ(failed->error->code, ErrorCode::data_loss);
    EXPECT_EQ(failed->error->message, "what was asked for cannot be read");
  }
}

TEST(SqliteJobStore, CanRescueAndCancelAJobWhosePayloadItCannotRead) {
  TemporaryDatabase file;
  const SystemClock clock;
  SqliteJobStore store(*file.database, clock);
  const service::Job job = *store.insert(some_job(clock));
  claim_from(store, "dead");
  run_plain(file.folder.path() / "imagined.db", "UPDATE jobs SET payload = 'x', kind = 'y'");
  EXPECT_EQ(store.rescue(service::Stranded::of_worker("dead"))->size(), 1u);
  EXPECT_EQ(store.find(job.id)->kind, std::nullopt);
  EXPECT_EQ(store.cancel(job.id)->state, service::JobState::cancelled);
}

TEST(SqliteJobStore, OneCallFailsWhenSomebodyDroppedATable) {
  TemporaryDatabase file;
  const SystemClock clock;
  SqliteJobStore store(*file.database, clock);
  run_plain(file.folder.path() / "imagined.db", "DROP TABLE pictures; DROP TABLE jobs");
  EXPECT_EQ(store.find("any").error().code, ErrorCode::data_loss);
  EXPECT_EQ(store.insert(some_job(clock)).error().code, ErrorCode::data_loss);
}

TEST(SqliteArchive, CallsAPictureOfNoKnownKindDamaged) {
  TemporaryDatabase file;
  const SystemClock clock;
  SqliteJobStore store(*file.database, clock);
  SqliteArchive archive(*file.database);
  ASSERT_TRUE(store.insert(some_job(clock)));
  const service::ClaimedJob claimed = claim_from(store);
  ASSERT_TRUE(store.complete(claimed.lease(), {{.id = "pic", .job_id = claimed.job.id}}));
  ASSERT_TRUE(archive.find_picture("pic"));
  run_plain(file.folder.path() / "imagined.db", "UPDATE pictures SET format = 'html'");
  EXPECT_EQ(archive.find_picture("pic").error().code, ErrorCode::data_loss);
  EXPECT_EQ(archive.pictures(claimed.job.id).error().code, ErrorCode::data_loss);
}

}  // namespace
}  // namespace imagined::storage

// What only SQLite can do: be old, foreign, broken, shared.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/ids.h"
#include "contract/temporary_database.h"
#include "contract/temporary_folder.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/sqlite_job_store.h"
#include "storage/sqlite/sqlite_key_store.h"

namespace imagined::storage {
namespace {

service::Job new_job(const Clock& clock) {
  return {.id = make_uuid(clock),
          .request = {.model = "m", .prompt = *service::Prompt::parse("a red kite", 8000)}};
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
  Connection& writer = file.database->writer();
  EXPECT_EQ(pragma(writer, "PRAGMA synchronous"), 2);  // FULL
  EXPECT_EQ(pragma(writer, "PRAGMA foreign_keys"), 1);
  EXPECT_EQ(pragma(writer, "PRAGMA trusted_schema"), 0);
  EXPECT_EQ(pragma(writer, "PRAGMA busy_timeout"), 5000);
  EXPECT_EQ(writer.prepare("PRAGMA journal_mode")->step(), true);
  EXPECT_EQ(pragma(file.database->hasty(), "PRAGMA synchronous"), 1);  // NORMAL
}

TEST(SqliteDatabase, KeepsJobsAcrossARestart) {
  const TemporaryFolder folder;
  const SystemClock clock;
  const service::Job job = new_job(clock);
  {
    const auto database = *SqliteDatabase::open(folder.path() / "db");
    ASSERT_TRUE(SqliteJobStore(*database, clock).insert_if_queue_below(job, 1));
  }
  const auto database = *SqliteDatabase::open(folder.path() / "db");
  EXPECT_EQ(SqliteJobStore(*database, clock).find(job.id)->request.prompt, job.request.prompt);
}

TEST(SqliteDatabase, RefusesAFileOfANewerProgram) {
  const TemporaryFolder folder;
  const auto file = folder.path() / "db";
  ASSERT_TRUE(SqliteDatabase::open(file));
  run_plain(file, "PRAGMA user_version = 999");
  const auto database = SqliteDatabase::open(file);
  ASSERT_FALSE(database);
  EXPECT_EQ(database.error().code, ErrorCode::failed_precondition);
  EXPECT_EQ(database.error().message,
            "the database was written by a newer imagined: it has schema 999, this program knows "
            "up to 1");
}

TEST(SqliteDatabase, RefusesADatabaseOfSomebodyElse) {
  const TemporaryFolder folder;
  run_plain(folder.path() / "db", "CREATE TABLE songs (title TEXT)");
  EXPECT_EQ(SqliteDatabase::open(folder.path() / "db").error().code,
            ErrorCode::failed_precondition);
}

TEST(SqliteDatabase, RefusesAFileThatIsNoDatabase) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "db") << std::string(10'000, 'x');
  EXPECT_EQ(SqliteDatabase::open(folder.path() / "db").error().code, ErrorCode::data_loss);
}

TEST(SqliteDatabase, ManyThatOpenANewFileAtOnceAllSucceed) {
  const TemporaryFolder folder;
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
  service::Job job = new_job(clock);
  job.request.prompt = *service::Prompt::parse(std::string(500'000, 'p'), 500'000);
  for (int i = 0; i < 20; ++i) {  // 10 MB; the log may grow to 4 MB and one more job
    job.id = make_uuid(clock);
    ASSERT_TRUE(store.insert_if_queue_below(job, 100));
  }
  EXPECT_LT(std::filesystem::file_size(file.folder.path() / "imagined.db-wal"), 8u << 20);
  EXPECT_GT(std::filesystem::file_size(file.folder.path() / "imagined.db"), 2u << 20);
}

TEST(SqliteJobStore, SaysStorageFullAndKeepsWhatItHasWhenThereIsNoRoom) {
  TemporaryDatabase file;
  const SystemClock clock;
  SqliteJobStore store(*file.database, clock);
  const service::Job kept = new_job(clock);
  ASSERT_TRUE(store.insert_if_queue_below(kept, 100));
  // What SQLite makes of ENOSPC, without a disk to fill.
  ASSERT_TRUE(*file.database->writer().prepare("PRAGMA max_page_count = 40")->step());
  service::Job large = new_job(clock);
  large.request.prompt = *service::Prompt::parse(std::string(500'000, 'p'), 500'000);
  const auto refused = store.insert_if_queue_below(large, 100);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::storage_full);
  EXPECT_EQ(refused.error().message, "no room left to store data");
  EXPECT_TRUE(store.find(kept.id));
  EXPECT_EQ(store.find(large.id).error().code, ErrorCode::not_found);
  EXPECT_TRUE(store.insert_if_queue_below(new_job(clock), 100)) << "the next small one fits";
}

TEST(SqliteJobStore, ClaimsByTheIndexOfOpenJobs) {
  TemporaryDatabase file;
  auto plan = file.database->writer().prepare(
      "EXPLAIN QUERY PLAN SELECT sequence FROM jobs WHERE state IN ('queued', 'running') AND "
      "(state = 'queued' OR (state = 'running' AND lease_until_ms < 1 AND attempt < 2)) "
      "ORDER BY sequence LIMIT 1");
  ASSERT_TRUE(*plan->step());
  EXPECT_NE(plan->text(3).find("jobs_open"), std::string::npos) << plan->text(3);
}

TEST(SqliteJobStore, SharesItsFileWithAnotherProcess) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "db";
  const SystemClock clock;
  constexpr int kJobs = 20;
  {
    const auto database = *SqliteDatabase::open(path);
    SqliteJobStore store(*database, clock);
    for (int i = 0; i < kJobs; ++i) ASSERT_TRUE(store.insert_if_queue_below(new_job(clock), 100));
  }
  // No connection may live across a fork: each side opens its own.
  const auto work = [&](SqliteDatabase::Role role) {
    const auto database = *SqliteDatabase::open(path, role);
    SqliteJobStore store(*database, clock);
    int done = 0;
    while (true) {
      const auto job = store.claim("w", 60'000);
      if (!job) return -1;
      if (!*job) return done;
      if (!store.complete((*job)->id, (*job)->lease_token, {})) return -1;
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
  ASSERT_TRUE(store.insert_if_queue_below(new_job(clock), 1));
  const service::Job job = **store.claim("w", 60'000);
  const service::StoredPicture picture{
      .id = "same", .job_id = job.id, .index = 0, .mime_type = "image/png"};
  service::StoredPicture twin = picture;
  twin.index = 1;
  EXPECT_FALSE(store.complete(job.id, job.lease_token, {picture, twin}));
  EXPECT_EQ(store.find(job.id)->state, service::JobState::running);
  EXPECT_EQ(store.find_picture("same").error().code, ErrorCode::not_found);
}

TEST(SqliteJobStore, CallsADamagedRowDamaged) {
  TemporaryDatabase file;
  const SystemClock clock;
  SqliteJobStore store(*file.database, clock);
  const service::Job job = new_job(clock);
  ASSERT_TRUE(store.insert_if_queue_below(job, 1));
  run_plain(file.folder.path() / "imagined.db", "UPDATE jobs SET aspect_ratio = '7:5'");
  EXPECT_EQ(store.find(job.id).error().code, ErrorCode::data_loss);
}

TEST(SqliteJobStore, CallsAPictureOfNoKnownKindDamaged) {
  TemporaryDatabase file;
  const SystemClock clock;
  SqliteJobStore store(*file.database, clock);
  ASSERT_TRUE(store.insert_if_queue_below(new_job(clock), 1));
  const service::Job job = **store.claim("w", 60'000);
  ASSERT_TRUE(store.complete(job.id, job.lease_token,
                             {{.id = "pic", .job_id = job.id, .mime_type = "image/png"}}));
  ASSERT_TRUE(store.find_picture("pic"));
  run_plain(file.folder.path() / "imagined.db", "UPDATE pictures SET mime_type = 'text/html'");
  EXPECT_EQ(store.find_picture("pic").error().code, ErrorCode::data_loss);
  EXPECT_EQ(store.pictures(job.id).error().code, ErrorCode::data_loss);
}

}  // namespace
}  // namespace imagined::storage

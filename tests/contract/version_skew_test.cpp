// One database, several versions of the program: what an older one wrote is read, what a newer one
// wrote is left alone, and neither stops anybody from starting.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "base/folder_testing.h"
#include "contract/some_job.h"
#include "service/jobs/job_queue.h"
#include "storage/process/process_job_events.h"
#include "storage/sqlite/sqlite_archive.h"
#include "storage/sqlite/sqlite_database.h"
#include "storage/sqlite/sqlite_job_store.h"
#include "storage/sqlite/sqlite_key_store.h"

namespace imagined::storage {
namespace {

using service::JobState;
using service::PictureRequest;

void run_plain(const std::filesystem::path& file, const std::string& sql) {
  sqlite3* handle = nullptr;
  ASSERT_EQ(sqlite3_open(file.c_str(), &handle), SQLITE_OK);
  char* error = nullptr;
  ASSERT_EQ(sqlite3_exec(handle, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
  sqlite3_close(handle);
}

class SilentBell final : public service::WorkerBell {
 public:
  void job_queued() override {}
  void job_cancelled(std::string_view) override {}
};

/// What `imagined serve` does with the jobs of its data folder when it starts, and every few
/// seconds.
bool server_starts(SqliteJobStore& store) {
  ProcessJobEvents events;
  SilentBell bell;
  service::JobQueue queue(store, events, bell);
  return queue.rescue(service::Stranded::of_last_server()) &&
         queue.rescue(service::Stranded::by_lease()) && queue.end_overdue();
}

/// The next job of one of the models that the old database knows.
std::optional<service::ClaimedJob> claim_any(SqliteJobStore& store) {
  const std::vector<std::string> models = {"grok-imagine-image", "grok-imagine-image-quality",
                                           "fast"};
  constexpr service::JobKind kKinds[] = {service::JobKind::pictures};
  auto job = store.claim({.worker_id = "w", .models = models, .kinds = kKinds, .lease_ms = 60'000});
  EXPECT_TRUE(job) << job.error().message;
  return std::move(*job);
}

class OldDatabase : public testing::Test {
 protected:
  OldDatabase() {
    std::ifstream dump(std::filesystem::path(IMAGINED_SOURCE_DIR) /
                       "tests/contract/data/schema1.sql");
    run_plain(file_, std::string(std::istreambuf_iterator<char>(dump), {}));
    auto database = SqliteDatabase::open(file_);
    EXPECT_TRUE(database) << database.error().message << database.error().detail;
    database_ = std::move(*database);
  }

  TestFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "imagined.db";
  const SystemClock clock_;
  std::unique_ptr<SqliteDatabase> database_;
};

TEST_F(OldDatabase, KeepsWhatHasEndedWithItsPictures) {
  SqliteJobStore store(*database_, clock_);
  SqliteArchive archive(*database_);
  const auto done = store.find("01a2230d-0fc6-72a2-998b-a0c34ff64e5d");
  ASSERT_TRUE(done);
  EXPECT_EQ(done->state, JobState::succeeded);
  EXPECT_EQ(done->owner, (service::Owner{.key_id = "AhWmlnI0Q8zT"}));
  EXPECT_EQ(done->sold.model, "grok-imagine-image");
  EXPECT_EQ(done->created_ms, 1795884388294);
  EXPECT_EQ(done->finished_ms, 1795884389592);
  const auto pictures = *archive.pictures(done->id);
  ASSERT_EQ(pictures.size(), 2u);
  EXPECT_EQ(pictures[0].id, "jDCDjPHMeytXdobcLeQEDJ");
  EXPECT_EQ(pictures[0].format, service::FileFormat::png);
  EXPECT_EQ(pictures[0].blob, "7093d33e71f2e3a38eafc533d5596d3a20983d5034c268abcf0bb89e1e5cfdd4");
  EXPECT_EQ(pictures[1].seed, std::uint64_t{1} << 63);
  EXPECT_EQ(archive.find_picture("IqtwpwOYnWg85JKUKcnd4u")->format, service::FileFormat::jpeg);

  const auto failed = store.find("01a2230d-17e2-7b84-89e6-e74bd0dcd4aa");
  EXPECT_EQ(failed->state, JobState::failed);
  EXPECT_EQ(failed->error->code, ErrorCode::storage_full);
  EXPECT_EQ(failed->error->message, "no room left to store data");
  EXPECT_EQ(failed->error->retry, Retry::by_code) << "nobody wrote it down";
}

TEST_F(OldDatabase, QueuesWhatItsWorkerHadInHandAndMakesEverythingInOrder) {
  SqliteJobStore store(*database_, clock_);
  ASSERT_TRUE(server_starts(store));
  const auto first = claim_any(store);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->job.id, "01a2230d-1ae4-7c83-a082-6eacf8ea29a5");
  EXPECT_EQ(first->job.attempt, 1) << "the end of the old program is not held against it";
  EXPECT_EQ(first->job.sold.model, "grok-imagine-image-quality");
  EXPECT_EQ(first->job.sold.steps, std::nullopt) << "nobody wrote it down";
  EXPECT_EQ(std::get<PictureRequest>(first->payload),
            (PictureRequest{.model = "grok-imagine-image-quality",
                            .prompt = service::Prompt::trusted("first of the open ones"),
                            .count = 4,
                            .aspect_ratio = service::AspectRatio::r19_5_9,
                            .resolution = service::Resolution::k2}));
  const auto second = claim_any(store);
  ASSERT_TRUE(second);
  EXPECT_EQ(std::get<PictureRequest>(second->payload).seed, 0u);
  EXPECT_EQ(std::get<PictureRequest>(second->payload).count, 10);
  const auto third = claim_any(store);
  ASSERT_TRUE(third);
  EXPECT_EQ(std::get<PictureRequest>(third->payload).prompt.text(), "queued too");
  EXPECT_FALSE(claim_any(store));
  EXPECT_TRUE(store.complete(first->lease(), {{.id = "pic", .job_id = first->job.id}}));
}

TEST_F(OldDatabase, ReadsEveryRequestThatHasEndedToo) {
  SqliteJobStore store(*database_, clock_);
  run_plain(file_, "UPDATE jobs SET state = 'queued' WHERE sequence = 1");
  const auto job = claim_any(store);
  ASSERT_TRUE(job);
  EXPECT_EQ(std::get<PictureRequest>(job->payload),
            (PictureRequest{.model = "grok-imagine-image",
                            .prompt = service::Prompt::trusted(
                                "caf\xC3\xA9 \xF0\x9F\xAA\x81 \"quoted\"\n'; DROP TABLE jobs; --"),
                            .count = 2,
                            .aspect_ratio = service::AspectRatio::r16_9,
                            .seed = 9'223'372'036'854'775'807u,
                            .format = image::Format::png,
                            .user = "user-7"}));
}

TEST_F(OldDatabase, KeepsItsKeysInTheDefaultTeamWithAllScopes) {
  const auto key = SqliteKeyStore(*database_, clock_, "secret").find("AhWmlnI0Q8zT");
  ASSERT_TRUE(key);
  EXPECT_EQ(key->name, "laptop");
  EXPECT_EQ(key->team_id, service::kDefaultTeam);
  EXPECT_EQ(key->org_id, service::kDefaultOrg);
  EXPECT_EQ(key->scopes, service::ScopeSet::all());
}

TEST_F(OldDatabase, TakesNewJobsBehindTheOldOnes) {
  SqliteJobStore store(*database_, clock_);
  const auto job = store.insert(some_job(clock_));
  ASSERT_TRUE(job) << job.error().detail;
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(claim_any(store));
  EXPECT_EQ(claim_any(store)->job.id, job->id);
}

/// Rows as a newer program with the same tables would write them.
class NewerRows : public testing::Test {
 protected:
  NewerRows() {
    run_plain(file_, fmt::format(
                         "UPDATE jobs SET payload_version = 99, payload = '{{\"scene\":[]}}' "
                         "WHERE id = '{}';"
                         "UPDATE jobs SET kind = 'holograms', payload = '{{\"seconds\":5}}' "
                         "WHERE id = '{}';"
                         "UPDATE jobs SET payload = "
                         "json_set(payload, '$.style', json('{{\"strength\":1}}')) WHERE id = '{}'",
                         newer_version_.id, newer_kind_.id, newer_field_.id));
  }

  TestFolder folder_;
  const std::filesystem::path file_ = folder_.path() / "imagined.db";
  const SystemClock clock_;
  std::unique_ptr<SqliteDatabase> database_ = *SqliteDatabase::open(file_);
  SqliteJobStore store_{*database_, clock_};
  const service::Job newer_version_ = *store_.insert(some_job(clock_));
  const service::Job newer_kind_ = *store_.insert(some_job(clock_));
  const service::Job newer_field_ = *store_.insert(some_job(clock_));
};

TEST_F(NewerRows, AnOlderServerStartsAndWorks) {
  EXPECT_TRUE(server_starts(store_));
  EXPECT_EQ(claim_any(store_)->job.id, newer_field_.id) << "a field that may be ignored";
  EXPECT_FALSE(claim_any(store_));
}

TEST_F(NewerRows, WaitForAWorkerThatKnowsThem) {
  claim_any(store_);
  claim_any(store_);
  EXPECT_EQ(store_.find(newer_version_.id)->state, JobState::queued);
  EXPECT_EQ(store_.find(newer_kind_.id)->state, JobState::queued);
  EXPECT_EQ(store_.find(newer_kind_.id)->kind, std::nullopt);
}

TEST_F(NewerRows, OfADeadNewerWorkerAreRescuedLikeOthers) {
  run_plain(file_,
            "UPDATE jobs SET state = 'running', worker_id = 'serve-newer', lease_token = id");
  EXPECT_EQ(store_.rescue(service::Stranded::of_last_server())->size(), 3u);
  EXPECT_EQ(store_.find(newer_kind_.id)->state, JobState::queued);
}

TEST_F(NewerRows, EndWhenTheirTimeIsOver) {
  run_plain(file_, "UPDATE jobs SET deliver_by_ms = 1");
  EXPECT_EQ(store_.end_overdue()->size(), 3u);
  EXPECT_EQ(store_.find(newer_version_.id)->error->code, ErrorCode::deadline_exceeded);
}

}  // namespace
}  // namespace imagined::storage

// What a team sees of its work, on a real database.
#include "service/history/history_desk.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "contract/some_job.h"
#include "contract/temporary_database.h"
#include "storage/memory/memory_blob_store.h"
#include "storage/process/process_job_events.h"
#include "storage/process/process_limit_store.h"
#include "storage/sqlite/sqlite_archive.h"
#include "storage/sqlite/sqlite_history.h"
#include "storage/sqlite/sqlite_job_store.h"
#include "storage/sqlite/sqlite_ledger_store.h"

namespace imagined::service {
namespace {

class SilentBell final : public WorkerBell {
 public:
  void job_queued() override {}
  void job_cancelled(std::string_view) override {}
};

class NoPool final : public WorkerPool {
 public:
  bool is_ready() const override { return false; }
  bool accepts(std::string_view) const override { return false; }
};

class HistoryTest : public testing::Test {
 protected:
  static Caller person(std::string team, Role role = Role::member, std::string id = "ann") {
    return {.owner = {.team_id = std::move(team), .key_id = std::move(id)},
            .scopes = ScopeSet::all(),
            .role = role};
  }

  Job order(const std::string& prompt, const std::string& team = "red",
            const std::string& key = "key") {
    clock_.advance_ms(1);
    NewJob wanted = some_job(clock_);
    wanted.job.owner = {.team_id = team, .key_id = key};
    std::get<PictureRequest>(wanted.payload).prompt = Prompt::trusted(prompt);
    return *jobs_.insert(wanted);
  }

  /// The id of its picture.
  std::string make(const std::string& prompt, const std::string& team = "red",
                   const std::string& key = "key") {
    order(prompt, team, key);
    const ClaimedJob claimed = claim_from(jobs_);
    const std::string id = "picture of " + prompt;
    EXPECT_TRUE(jobs_.complete(claimed.lease(), {{.id = id,
                                                  .job_id = claimed.job.id,
                                                  .blob = *blobs_.put({}),
                                                  .created_ms = clock_.unix_ms()}}));
    return id;
  }

  std::vector<std::string> prompts(const HistoryDesk::Wish& wish, const Caller& caller) {
    const auto page = desk_.pictures({caller, "r"}, wish);
    std::vector<std::string> found;
    for (const MadePicture& made : page->rows) found.push_back(made.prompt);
    if (!page->next.empty()) found.push_back("more");
    return found;
  }

  using Texts = std::vector<std::string>;

  ManualClock clock_;
  TemporaryDatabase file_;
  storage::SqliteJobStore jobs_{*file_.database, clock_};
  storage::SqliteArchive archive_{*file_.database};
  storage::SqliteHistory history_{*file_.database};
  storage::SqliteLedgerStore ledger_{*file_.database, clock_, "secret"};
  storage::MemoryBlobStore blobs_{clock_};
  storage::ProcessJobEvents events_;
  storage::ProcessLimitStore limits_{clock_};
  SilentBell bell_;
  NoPool workers_;
  JobQueue queue_{jobs_, events_, bell_};
  Admission admission_{limits_, clock_, {.per_second = 1, .per_minute = 100}};
  HistoryDesk desk_{{.history = history_,
                     .archive = archive_,
                     .blobs = blobs_,
                     .queue = queue_,
                     .events = events_,
                     .admission = admission_,
                     .workers = workers_,
                     .clock = clock_},
                    "cpu"};
  const Caller red_ = person("red");
};

TEST_F(HistoryTest, ShowsATeamItsPicturesNewestFirstPageByPage) {
  for (const char* prompt : {"one", "two", "three"}) make(prompt);
  make("theirs", "blue");
  EXPECT_EQ(prompts({.count_max = 2}, red_), (Texts{"three", "two", "more"}));
  const std::string next = desk_.pictures({red_, "r"}, {.count_max = 2})->next;
  EXPECT_EQ(prompts({.before = next, .count_max = 2}, red_), (Texts{"one"}));
  EXPECT_EQ(prompts({}, person("blue")), (Texts{"theirs"}));
  EXPECT_EQ(desk_.pictures({red_, "r", "blue"}, {}).error().code, ErrorCode::not_found);
  EXPECT_FALSE(desk_.pictures({Caller{.owner = red_.owner}, "r"}, {}));
}

TEST_F(HistoryTest, GoingFromPageToPageSkipsNothing) {
  for (const char* prompt : {"a", "b", "c"}) make(prompt);
  Texts found;
  for (std::string next;;) {
    const auto page = *desk_.pictures({red_, "r"}, {.before = next, .count_max = 1});
    for (const MadePicture& made : page.rows) found.push_back(made.prompt);
    if (page.next.empty()) break;
    next = page.next;
  }
  EXPECT_EQ(found, (Texts{"c", "b", "a"}));
}

TEST_F(HistoryTest, SearchesInPromptsAsTextAndNotAsAPattern) {
  for (const char* prompt : {"a Red house", "100% paper", "a blue boat"}) make(prompt);
  EXPECT_EQ(prompts({.words = "rED h"}, red_), (Texts{"a Red house"}));
  EXPECT_EQ(prompts({.words = "0%"}, red_), (Texts{"100% paper"}));
  EXPECT_EQ(prompts({.words = "%"}, red_), (Texts{"100% paper"}));
  EXPECT_EQ(prompts({.words = "' OR 1=1 --"}, red_), Texts());
}

TEST_F(HistoryTest, ReaddressingLeavesThePictureAndEndsItsOldName) {
  const std::string id = make("one");
  const auto moved = desk_.readdress({person("red", Role::admin), "r"}, id);
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_EQ(moved->id.size(), 22u);
  EXPECT_EQ(archive_.find_picture(id).error().code, ErrorCode::not_found);
  EXPECT_EQ(archive_.find_picture(moved->id)->blob, moved->blob);
  EXPECT_EQ(history_.rename_picture(id, "x").error().code, ErrorCode::not_found);
}

TEST_F(HistoryTest, APersonDeletesItsOwnPicturesAndAnAdminThoseOfTheTeam) {
  const std::string own = make("own", "red", "ann");
  const std::string others = make("others");
  const std::string theirs = make("theirs", "blue");
  EXPECT_TRUE(desk_.remove({red_, "r"}, own));
  EXPECT_EQ(desk_.remove({red_, "r"}, others).error().code, ErrorCode::unauthenticated);
  EXPECT_TRUE(desk_.remove({person("red", Role::admin), "r"}, others));
  EXPECT_EQ(desk_.remove({person("red", Role::owner), "r"}, theirs).error().code,
            ErrorCode::not_found);
  EXPECT_EQ(desk_.remove({red_, "r"}, own).error().code, ErrorCode::not_found);
}

TEST_F(HistoryTest, AJobThatRunsTellsItsProgressUntilItHasEnded) {
  order("one");
  const ClaimedJob claimed = claim_from(jobs_);
  order("two");
  const JobEvent progress{.kind = JobEvent::Kind::progress,
                          .job_id = claimed.job.id,
                          .picture = 1,
                          .step = 2,
                          .steps = 4};
  events_.publish(progress);
  auto page = *desk_.jobs({red_, "r"}, {});
  ASSERT_EQ(page.rows.size(), 2u);
  EXPECT_EQ(page.rows[0].made.prompt, "two");
  EXPECT_FALSE(page.rows[0].progress);
  ASSERT_TRUE(page.rows[1].progress);
  EXPECT_EQ(page.rows[1].progress->step, 2);
  events_.publish({.kind = JobEvent::Kind::finished, .job_id = claimed.job.id});
  page = *desk_.jobs({red_, "r"}, {.before = page.rows[0].made.job.id});
  ASSERT_EQ(page.rows.size(), 1u);
  EXPECT_FALSE(page.rows[0].progress);
}

TEST_F(HistoryTest, ListsWhatModerationHasBlockedForTheTeam) {
  const auto block = [&](std::string id, std::string team, Outcome outcome, std::string why = {}) {
    clock_.advance_ms(1);
    const Charge charge{.id = std::move(id),
                        .owner = {.team_id = std::move(team), .key_id = "key"},
                        .user = "u",
                        .model = "fast",
                        .pictures = 1,
                        .created_ms = clock_.unix_ms()};
    ASSERT_TRUE(ledger_.record({.charge = charge}, {.outcome = outcome, .why = std::move(why)}));
  };
  block("1", "red", Outcome::prompt_blocked, "rejected (birds)");
  block("2", "red", Outcome::picture_blocked);
  block("3", "red", Outcome::refused);
  block("4", "blue", Outcome::prompt_blocked);
  const auto found = *desk_.blocked({red_, "r"}, 10);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].outcome, Outcome::picture_blocked);
  EXPECT_EQ(found[1].outcome, Outcome::prompt_blocked);
  EXPECT_EQ(found[1].why, "rejected (birds)");
  EXPECT_EQ(desk_.blocked({red_, "r"}, 1)->size(), 1u);
}

TEST_F(HistoryTest, ListsWhatLimitsHaveRefusedToTheTeam) {
  const Caller key{.owner = {.team_id = "red", .key_id = "key"}, .scopes = ScopeSet::all()};
  EXPECT_FALSE(admission_.admit(key, "fast")->refusal);
  const auto refusal = admission_.admit(key, "fast")->refusal;
  ASSERT_TRUE(refusal);
  const auto found = *desk_.refused({red_, "r"});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].message, refusal->message);
  EXPECT_EQ(found[0].owner.key_id, "key");
  EXPECT_TRUE(desk_.refused({person("blue"), "r"})->empty());
}

TEST_F(HistoryTest, ListsRefusalsBehindTheDoorOnlyWhereSomethingIsUsedUp) {
  const Caller key{.owner = {.team_id = "red", .key_id = "key"}, .scopes = ScopeSet::all()};
  admission_.note_refusal(key, "fast", {.code = ErrorCode::invalid_argument, .message = "size"});
  admission_.note_refusal(key, "fast",
                          {.code = ErrorCode::resource_exhausted, .message = "The daily budget"});
  const auto found = *desk_.refused({red_, "r"});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].message, "The daily budget");
  EXPECT_EQ(found[0].model, "fast");
}

TEST_F(HistoryTest, KeepsTheNewestRefusalsAndNoMore) {
  const Caller key{.owner = {.team_id = "red", .key_id = "key"}, .scopes = ScopeSet::all()};
  for (std::size_t i = 0; i < kRefusalsKept + 5; ++i) ASSERT_TRUE(admission_.admit(key, "fast"));
  EXPECT_EQ(desk_.refused({red_, "r"})->size(), kRefusalsKept);
}

}  // namespace
}  // namespace imagined::service

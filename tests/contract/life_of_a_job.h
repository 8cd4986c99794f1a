// The life of two jobs, and what must be true of their stores whatever has cut it short: a kill, a
// loss of power.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "contract/some_job.h"
#include "storage/disk/disk_blob_store.h"
#include "storage/sqlite/connection.h"
#include "storage/sqlite/sqlite_archive.h"
#include "storage/sqlite/sqlite_database.h"
#include "storage/sqlite/sqlite_job_store.h"
#include "storage/sqlite/sqlite_ledger_store.h"

namespace imagined::storage {

using service::ClaimedJob;
using service::Job;
using service::JobState;

inline constexpr int kPictures = 2;
inline constexpr std::int64_t kPrice = 7;
inline const SystemClock kClock;

struct Stores {
  explicit Stores(const std::filesystem::path& folder) : Stores(folder, folder) {}
  /// With the blobs somewhere else.
  Stores(const std::filesystem::path& folder, const std::filesystem::path& blobs_folder)
      : database(*SqliteDatabase::open(folder / "imagined.db")),
        jobs(*database, kClock),
        archive(*database),
        ledger(*database, kClock, "secret"),
        blobs(*DiskBlobStore::open(blobs_folder / "blobs", kClock)) {}

  std::unique_ptr<SqliteDatabase> database;
  SqliteJobStore jobs;
  SqliteArchive archive;
  SqliteLedgerStore ledger;
  std::unique_ptr<DiskBlobStore> blobs;
};

inline std::vector<service::StoredPicture> make_pictures(Stores& stores, const Job& job) {
  std::vector<service::StoredPicture> pictures;
  for (int i = 0; i < kPictures; ++i) {
    const std::string bytes = fmt::format("picture {} of {}", i, job.id);
    pictures.push_back({.id = fmt::format("{}-{}-{}", job.id, job.attempt, i),
                        .job_id = job.id,
                        .index = i,
                        .blob = *stores.blobs->put(
                            {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}),
                        .created_ms = kClock.unix_ms()});
  }
  return pictures;
}

/// A job whose pictures cost something, within a quota.
inline service::NewJob wanted_job(std::string id, std::string idempotency_key) {
  service::NewJob wanted = some_job(kClock);
  wanted.job.id = std::move(id);
  wanted.job.idempotency_key = std::move(idempotency_key);
  wanted.reservation = {.charge = {.id = wanted.job.id,
                                   .owner = wanted.job.owner,
                                   .model = wanted.job.sold.model,
                                   .bill = {.per_picture_usd_ticks = kPrice},
                                   .pictures = kPictures,
                                   .created_ms = kClock.unix_ms()},
                        .quotas = {{.bucket = "team:default", .pictures = 100}}};
  return wanted;
}

/// What its caller has been promised by a store.
enum class Promise : char { submitted = 's', completed = 'c', cancelled = 'x' };

/// One job to its end and a second one that is cancelled in a worker's hands. `tell` is called as
/// soon as something is promised. 0, or where it went wrong.
inline int live(Stores& stores, const std::function<void(Promise)>& tell) {
  if (!stores.jobs.insert(wanted_job("first", "once"))) return 3;
  tell(Promise::submitted);
  const ClaimedJob claimed = claim_from(stores.jobs, "serve-child");
  const service::Lease leases[] = {claimed.lease()};
  if (!stores.jobs.lost(leases)->empty()) return 4;
  if (!stores.jobs.prolong(leases, 60'000)) return 5;
  if (!stores.jobs.complete(claimed.lease(), make_pictures(stores, claimed.job))) return 6;
  tell(Promise::completed);
  if (!stores.jobs.insert(wanted_job("second", "twice"))) return 7;
  claim_from(stores.jobs, "serve-child");
  if (!stores.jobs.cancel("second")) return 8;
  tell(Promise::cancelled);
  return 0;
}

inline std::int64_t count(Stores& stores, const char* sql) {
  auto statement = stores.database->reader().prepare(sql);
  EXPECT_TRUE(statement && *statement->step());
  return statement->integer(0);
}

/// All of a job's pictures, with their bytes, when it has succeeded; none otherwise.
inline void expect_whole(Stores& stores, const Job& job) {
  const auto pictures = *stores.archive.pictures(job.id);
  ASSERT_EQ(pictures.size(), job.state == JobState::succeeded ? std::size_t{kPictures} : 0u);
  for (const auto& picture : pictures) EXPECT_TRUE(stores.blobs->get(picture.blob));
}

/// The price of each job that has not ended is held, each delivered picture is paid for once.
inline void expect_right_books(Stores& stores) {
  EXPECT_EQ(*stores.ledger.audit(), service::LedgerAudit());
  EXPECT_EQ(count(stores,
                  "SELECT count(*) FROM jobs JOIN charges USING (id) WHERE "
                  "(state IN ('queued', 'running')) <> (outcome IS NULL)"),
            0);
  EXPECT_EQ(count(stores, "SELECT count(*) FROM charges"),
            count(stores, "SELECT count(*) FROM jobs"));
  auto balances = *stores.ledger.balances();
  EXPECT_EQ(balances["held:default"],
            kPrice * kPictures *
                count(stores, "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')"));
  EXPECT_EQ(-balances["wallet:default"] - balances["held:default"],
            kPrice * count(stores, "SELECT count(*) FROM pictures"));
}

/// `promises` are those that were told before the cut.
inline void check_and_go_on(Stores& stores, std::string_view promises) {
  const auto promised = [&](Promise promise) {
    return promises.find(static_cast<char>(promise)) != std::string_view::npos;
  };
  EXPECT_EQ(
      count(stores, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"),
      0);
  expect_right_books(stores);
  // What was promised is there.
  const auto first = stores.jobs.find("first");
  if (promised(Promise::submitted)) {
    ASSERT_TRUE(first);
  }
  if (first) expect_whole(stores, *first);
  if (promised(Promise::completed)) {
    EXPECT_EQ(first->state, JobState::succeeded);
  }
  if (promised(Promise::cancelled)) {
    EXPECT_EQ(stores.jobs.find("second")->state, JobState::cancelled);
  }
  // The client asks again with its idempotency key: the same job, or now the first.
  const service::NewJob again = wanted_job("again", "once");
  const auto job = stores.jobs.insert(again);
  ASSERT_TRUE(job);
  EXPECT_EQ(job->id, first ? "first" : again.job.id);
  // The next server takes up what the child's end has left, and every job comes to its end, once.
  ASSERT_TRUE(stores.jobs.rescue(service::Stranded::of_last_server()));
  while (const auto claimed = *try_claim_from(stores.jobs, "serve-next")) {
    EXPECT_EQ(claimed->job.attempt, 1) << "the end of a server is not held against a job";
    EXPECT_TRUE(stores.jobs.complete(claimed->lease(), make_pictures(stores, claimed->job)));
  }
  EXPECT_EQ(stores.jobs.find(job->id)->state, JobState::succeeded);
  expect_whole(stores, *stores.jobs.find(job->id));
  EXPECT_EQ(count(stores, "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')"), 0);
  EXPECT_EQ(count(stores, "SELECT count(*) FROM jobs WHERE idempotency_key = 'once'"), 1);
  EXPECT_EQ(count(stores, "SELECT count(*) FROM pictures"),
            kPictures * count(stores, "SELECT count(*) FROM jobs WHERE state = 'succeeded'"));
  EXPECT_EQ(count(stores, "SELECT count(*) FROM jobs WHERE lease_token <> ''"), 0);
  expect_right_books(stores);
}

}  // namespace imagined::storage

#include "cli/wiring.h"

#include <optional>

#include "storage/disk/data_dir.h"
#include "storage/disk/disk_blob_store.h"
#include "storage/process/process_job_events.h"
#include "storage/sqlite/sqlite_database.h"
#include "storage/sqlite/sqlite_job_store.h"
#include "storage/sqlite/sqlite_key_store.h"

namespace imagined::cli {
namespace {

using storage::SqliteDatabase;

// One SQLite file and one folder: what a single machine needs.
class LocalStores final : public Stores {
 public:
  struct Parts {
    std::optional<storage::DataDirLock> lock;
    std::unique_ptr<SqliteDatabase> database;
    std::unique_ptr<storage::DiskBlobStore> blobs;
    std::string pepper;
    std::string link_secret;
  };

  LocalStores(Parts parts, const config::Settings& settings)
      : parts_(std::move(parts)),
        jobs_(*parts_.database, clock_),
        key_store_(*parts_.database),
        keys_(key_store_, clock_, {.prefix = settings.key_prefix, .pepper = parts_.pepper}),
        signer_(parts_.link_secret) {}

  service::JobStore& jobs() override { return jobs_; }
  service::BlobStore& blobs() override { return *parts_.blobs; }
  service::KeyService& keys() override { return keys_; }
  service::JobEvents& events() override { return events_; }
  const service::UrlSigner& signer() const override { return signer_; }
  const Clock& clock() const override { return clock_; }

 private:
  const SystemClock clock_;
  Parts parts_;
  storage::SqliteJobStore jobs_;
  storage::SqliteKeyStore key_store_;
  storage::ProcessJobEvents events_;
  service::KeyService keys_;
  service::UrlSigner signer_;
};

}  // namespace

Result<std::unique_ptr<Stores>> Stores::open(const config::Settings& settings, StoreUser user) {
  const storage::DataDir dir = TRY(storage::DataDir::open(settings.data_dir));
  LocalStores::Parts parts;
  if (user == StoreUser::server) parts.lock.emplace(TRY(storage::DataDirLock::acquire(dir)));
  parts.database = TRY(SqliteDatabase::open(dir.database(), user == StoreUser::server
                                                                ? SqliteDatabase::Role::server
                                                                : SqliteDatabase::Role::worker));
  parts.blobs = TRY(storage::DiskBlobStore::open(dir.blobs()));
  parts.pepper = TRY(dir.secret("key_pepper"));
  parts.link_secret = TRY(dir.secret("links"));
  return std::unique_ptr<Stores>(std::make_unique<LocalStores>(std::move(parts), settings));
}

}  // namespace imagined::cli

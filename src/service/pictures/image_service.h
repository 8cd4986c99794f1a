#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "service/accounts/caller.h"
#include "service/admission/admission.h"
#include "service/cache/picture_cache.h"
#include "service/catalogue/catalogue.h"
#include "service/jobs/job_queue.h"
#include "service/links/signed_url.h"
#include "service/moderation/moderator.h"
#include "service/pictures/picture.h"
#include "service/pictures/picture_request.h"
#include "service/ports/archive.h"
#include "service/ports/blob_store.h"
#include "service/ports/job_events.h"
#include "service/ports/ledger_store.h"
#include "service/ports/worker_pool.h"

namespace imagined::service {

struct ImageServiceOptions {
  std::int64_t queue_limit = 256;  // jobs that may wait
  /// A job that is not begun by then is not made. 0: by the pace of the queue.
  std::int64_t job_timeout_ms = 0;
  /// Files say how their pictures were made, but those of keys that do not want it.
  bool labels = false;
};

/// How a request is asked, beside what it asks for.
struct Asking {
  std::string_view idempotency_key;
  /// The client says that it asks again by itself, having lost the answer. Without an idempotency
  /// key it is given the job of the last ten minutes that it has paid for.
  bool again = false;
  /// Whether pictures may be given that were made before. Never with an idempotency key, which
  /// promises pictures of its own.
  CacheWish cache = CacheWish::as_the_key;
  /// Nobody waits for the answer, which will be asked for by the job's id. It is the job's own:
  /// never one that was made before.
  bool deferred = false;
};

/// A request that was taken, and the job that answers it.
struct Order {
  Job job;
  CacheUse cache = CacheUse::bypass;
  std::string cache_key;                // unless it is bypassed
  std::optional<Charge> hit_charge;     // what is owed for pictures that are made for others
  std::vector<StoredPicture> pictures;  // of a job that was found in the cache
};

/// A picture and the bytes of its file.
struct PictureFile {
  StoredPicture picture;
  std::vector<std::uint8_t> bytes;
};

/// A job that succeeded, and what the customer gets and owes for it.
struct FinishedPictures {
  Job job;
  std::string order_id;                 // of whoever asks: the job's, or that of a hit's charge
  std::vector<StoredPicture> pictures;  // in order of `index`
  std::int64_t cost_usd_ticks = 0;
  Reading reading;  // of what was asked for
};

/// What customers can do with pictures, whichever way they ask. A verb or a model that the caller's
/// key is not allowed is `unauthenticated`; what belongs to another team is `not_found`.
///
/// Made once, by cli/wiring; any thread may call it, and every call may block on the stores. If the
/// process dies in the middle, an accepted job is still a row and runs after the restart.
class ImageService {
 public:
  /// The references must outlive the service.
  struct Parts {
    const Catalogue& catalogue;
    JobQueue& queue;
    Archive& archive;
    BlobStore& blobs;
    const WorkerPool& workers;
    Admission& admission;
    LedgerStore& ledger;
    Moderator& moderator;
    const Clock& clock;
    PictureCache* cache = nullptr;  // none: nothing is remembered
  };
  explicit ImageService(Parts parts, ImageServiceOptions options = {})
      : parts_(parts), options_(options) {}

  /// Queues a job and reserves its price, in one commit. With an idempotency key that the team has
  /// used before: the job of then (JobStore::insert). What moderation refuses (Moderator::check) is
  /// neither queued nor reserved. `invalid_argument` for what the model cannot do
  /// (offered.h). `resource_exhausted` when the queue is full
  /// or a quota spent, `storage_full` when there is no room for pictures, `unavailable` when no
  /// worker has the model, `invalid_argument` or `not_found` for a request that breaks the domain's
  /// rules.
  Result<Order> submit(const Caller& caller, JobPayload wanted, Asking asking = {});

  /// Whom to ask for a video where nobody says: the first model that makes any, as far as the
  /// workers have told.
  const Model& usual_video_model() const;

  Result<Job> find(const Caller& caller, std::string_view job_id);
  /// The job after it; a final job stays what it is. Stops the worker within a step.
  Result<Job> cancel(const Caller& caller, std::string_view job_id);

  /// Whether there is a reason to wait for a job: it is being made (a worker keeps a job only while
  /// its steps follow each other), or it waits for a worker that has its model and is at work.
  Result<bool> gets_on(const Caller& caller, std::string_view job_id);

  /// Of a job that succeeded. The job's own error when it failed, `cancelled` when it was,
  /// `failed_precondition` while it is not final.
  Result<FinishedPictures> finished(const Caller& caller, std::string_view job_id);
  /// The same for who has ordered it: a hit is charged now, with the errors of LedgerStore::record,
  /// what was made is remembered. `unavailable` when another has cancelled what was shared.
  Result<FinishedPictures> finished(const Caller& caller, const Order& order);
  /// What was asked for. `data_loss` where that cannot be read, of which the job has failed.
  Result<JobPayload> asked_for(const Caller& caller, std::string_view job_id);
  /// What a job has cost, whatever became of it; 0 while it is open.
  Result<std::int64_t> charged(const Caller& caller, std::string_view job_id);

  /// The file of a picture. `data_loss` when the row is there and the bytes are not.
  Result<PictureFile> read_picture(const Caller& caller, std::string_view picture_id);
  /// The file of a preview that was told of; `not_found` when it is too old to be kept.
  Result<std::vector<std::uint8_t>> read_preview(const Caller& caller, const JobEvent& preview);
  /// For whoever has the link.
  Result<PictureFile> read_picture(const LinkedPicture& linked);

 private:
  Result<Job> insert(const Caller& caller, const Model& model, JobPayload payload,
                     const Asking& asking, const Charge& charge, std::string request_hash,
                     std::string share_key);
  Result<void> moderate_given(const JobPayload& wanted, const Charge& charge);
  const Model* video_model() const;
  Error with_another_model(const Caller& caller, Error error, const JobPayload& wanted) const;
  bool somebody_has(const Model& model) const;
  tl::unexpected<Error> nobody_has(const Model& model) const;
  Result<std::int64_t> deliver_by_ms(std::int64_t now_ms, bool deferred);
  Result<PictureFile> read_file(StoredPicture picture);
  /// What a job has cost whose picture is lost; once.
  void give_back(std::string_view job_id);

  Parts parts_;
  ImageServiceOptions options_;
};

}  // namespace imagined::service

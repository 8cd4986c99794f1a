#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "service/accounts/api_key.h"
#include "service/catalogue/catalogue.h"
#include "service/jobs/job.h"
#include "service/ports/blob_store.h"
#include "service/ports/job_events.h"
#include "service/ports/job_store.h"
#include "service/ports/worker_bell.h"

namespace imagined::service {

struct ImageServiceOptions {
  std::int64_t queue_limit = 256;  // jobs that may wait
};

/// A picture and the bytes of its file.
struct PictureFile {
  StoredPicture picture;
  std::vector<std::uint8_t> bytes;
};

/// What customers can do with pictures. Made once, by cli/wiring; any thread may call it, and every
/// call may block on the stores. If the process dies in the middle, an accepted job is still a row
/// and runs after the restart.
class ImageService {
 public:
  /// The references must outlive the service.
  ImageService(const Catalogue& catalogue, JobStore& jobs, BlobStore& blobs, JobEvents& events,
               WorkerBell& bell, const Clock& clock, ImageServiceOptions options = {});

  /// Queues a job and rings the bell. `resource_exhausted` when the queue is full,
  /// `storage_full` when there is no room for pictures, `invalid_argument` or `not_found` for a
  /// request that breaks the domain's rules.
  Result<Job> submit(const ApiKey& key, PictureRequest request);

  Result<Job> find(std::string_view job_id);
  /// The job after it; a final job stays what it is. Stops the worker within a step.
  Result<Job> cancel(std::string_view job_id);
  Result<std::vector<StoredPicture>> pictures(std::string_view job_id);
  Result<PictureFile> read_picture(std::string_view picture_id);

  /// To be called when a worker process has ended, when the server has started (before its
  /// workers), and every few seconds (`Stranded::by_lease()`): queues the jobs again or fails them,
  /// rings and publishes. Returns how many moved.
  Result<int> rescue(const Stranded& stranded);

 private:
  const Catalogue& catalogue_;
  JobStore& jobs_;
  BlobStore& blobs_;
  JobEvents& events_;
  WorkerBell& bell_;
  const Clock& clock_;
  ImageServiceOptions options_;
};

}  // namespace imagined::service

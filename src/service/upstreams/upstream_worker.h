// The worker of the models that other servers make: claims their jobs, has them made, keeps what
// comes as if it had been made here.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "image/picture.h"
#include "service/moderation/moderator.h"
#include "service/ports/blob_store.h"
#include "service/ports/job_events.h"
#include "service/ports/job_store.h"
#include "service/ports/upstream_maker.h"
#include "service/ports/worker_bell.h"
#include "service/upstreams/upstreams.h"

namespace imagined::service {

struct UpstreamWorkerOptions {
  std::string id;                   // begins with kChildPrefix: it ends with its server
  std::vector<std::string> models;  // ids of the catalogue
  int jobs_max = 32;                // in hand at a time
  std::int64_t lease_ms = 60'000;
  std::int64_t heartbeat_ms = 20'000;
  std::int64_t poll_ms = 1'000;           // without a ring the queue is looked at this often
  std::int64_t back_off_ms = 250;         // before all are asked again
  std::int64_t retry_after_max = 60'000;  // that is waited for; who says more has failed
};

/// A job is asked of the upstreams of its model in the order of `Upstreams`; whoever cannot is
/// followed by the next, and after a pause, which is as long as they ask for, by all of them again.
/// Whatever came is a picture by its own header, is judged as what is made here, lies in the blob
/// store before its job succeeds, and is paid for by the prices of the catalogue, which the
/// customer knew before; what the upstream charges us is in the log. If the server dies meanwhile,
/// the job is asked again after its restart, under the same idempotency key.
class UpstreamWorker final : public WorkerBell {
 public:
  /// Some frames of a clip, for whoever judges pictures.
  using FramesOf =
      std::function<Result<std::vector<image::Picture>>(std::span<const std::uint8_t>)>;
  /// The references must outlive it.
  struct Parts {
    Upstreams& upstreams;
    UpstreamMaker& maker;
    JobStore& jobs;
    BlobStore& blobs;
    JobEvents& events;
    const Clock& clock;
    Moderator* moderator = nullptr;  // of what was made; none: all is kept
    FramesOf frames_of = {};         // where there is a moderator
  };
  UpstreamWorker(Parts parts, UpstreamWorkerOptions options);
  ~UpstreamWorker() override;

  void start();
  /// Gives back what is in hand, as if it had not been claimed. Twice is harmless.
  void stop();

  void job_queued() override;
  void job_cancelled(std::string_view job_id) override;

 private:
  class Run;
  std::unique_ptr<Run> run_;
};

}  // namespace imagined::service

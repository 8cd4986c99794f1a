#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "service/accounts/visit.h"
#include "service/admission/admission.h"
#include "service/jobs/job_queue.h"
#include "service/jobs/queue_pace.h"
#include "service/ports/archive.h"
#include "service/ports/blob_store.h"
#include "service/ports/history.h"
#include "service/ports/job_events.h"
#include "service/ports/worker_pool.h"

namespace imagined::service {

/// What people see of the work of their own team, and do with its pictures, whichever way they ask;
/// errors as KeyDesk's. Any thread may call it; calls block on the stores.
class HistoryDesk {
 public:
  /// The references must outlive the desk.
  struct Parts {
    History& history;
    Archive& archive;
    BlobStore& blobs;
    JobQueue& queue;
    JobEvents& events;
    Admission& admission;
    const WorkerPool& workers;
    const Clock& clock;
  };
  HistoryDesk(Parts parts, std::string device) : parts_(parts), device_(std::move(device)) {}

  struct Wish {
    std::string_view words;
    std::string_view before;
    int count_max = 50;
  };
  template <class Row>
  struct Page {
    std::vector<Row> rows;
    std::string next;  // for `before`; empty: there is no other page
  };

  Result<Page<MadePicture>> pictures(const Visit& visit, const Wish& wish);
  /// For ever. Its own, or anybody's of the team by an admin.
  Result<void> remove(const Visit& visit, std::string_view picture_id);
  /// The picture under a new address; every link to it from before leads to nothing. By whom as
  /// above.
  Result<StoredPicture> readdress(const Visit& visit, std::string_view picture_id);

  struct SeenJob {
    MadeJob made;
    std::optional<JobEvent> progress;  // of one that runs
  };
  Result<Page<SeenJob>> jobs(const Visit& visit, const Wish& wish);

  Result<std::vector<BlockedRequest>> blocked(const Visit& visit, int count_max);
  /// What the limits have refused lately, newest first; since the server has started.
  Result<std::vector<LimitRefusal>> refused(const Visit& visit);

  /// What the server has in hand for all teams together, and with what.
  struct Work {
    QueuePace pace;
    std::string device;
    bool is_ready = false;
    std::int64_t starts = 0;
    std::int64_t memory_bytes = 0;  // 0: not known
  };
  Result<Work> work(const Visit& visit);

 private:
  HistoryQuery query(const Visit& visit, const Wish& wish) const;
  Result<StoredPicture> find_to_change(const Visit& visit, std::string_view picture_id);

  Parts parts_;
  const std::string device_;
};

}  // namespace imagined::service

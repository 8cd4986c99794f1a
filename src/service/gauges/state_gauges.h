#pragma once

#include "base/result.h"
#include "service/catalogue/catalogue.h"
#include "service/gauges/gauge.h"
#include "service/jobs/job_queue.h"
#include "service/ports/blob_store.h"
#include "service/ports/ledger_store.h"
#include "service/ports/worker_pool.h"

namespace imagined::service {

/// Of whom it is told.
struct Watched {
  const Catalogue& catalogue;
  JobQueue& queue;
  LedgerStore& ledger;
  BlobStore& blobs;
  const WorkerPool& workers;
};

/// Queue, workers and books as they are now. Cheap however much is kept; blocks on the stores, and
/// fails as they do.
Result<Gauges> state_gauges(const Watched& watched);

}  // namespace imagined::service

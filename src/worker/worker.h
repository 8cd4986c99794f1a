// Joins jobs to engines: claim, generate, encode, store, complete.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "decoder/decoder.h"
#include "engine/engine.h"
#include "service/catalogue/catalogue.h"
#include "service/moderation/moderator.h"
#include "service/ports/blob_store.h"
#include "service/ports/job_store.h"
#include "video/coded.h"
#include "worker/active_job.h"
#include "worker/wire.h"

namespace imagined::worker {

struct WorkerOptions {
  std::string id;  // of this process; the server requeues its jobs by it
  std::int64_t lease_ms = 60'000;
  std::int64_t heartbeat_ms = 20'000;  // a lease is prolonged this often
  std::int64_t poll_ms = 1'000;        // without a ring the queue is looked at this often
  Patience patience;                   // a job on which nothing moves any longer loses its lease
  /// Then called, once: this process will come to no good. Empty: nothing more is done.
  std::function<void()> on_stuck;
  int jpeg_quality = 90;  // of pictures stored as JPEG or WebP
  video::Codec video_codec = video::Codec::h264;
  std::uint64_t (*random_seed)() = nullptr;  // null: from the operating system
};

/// Opens a model's weights; in the program `engine::Engine::load` with the device's options.
using EngineLoader =
    std::function<Result<std::unique_ptr<engine::Engine>>(const service::Model& model)>;

/// One device's worker; lives in its own process. While the engine makes a picture, another thread
/// encodes, stores and settles the one before. If the process dies in the middle, the job's row is
/// still `running` under its lease and the server queues it again.
class Worker {
 public:
  /// The references must outlive the worker.
  struct Parts {
    const service::Catalogue& catalogue;
    service::JobStore& jobs;
    service::BlobStore& blobs;
    Wire& wire;
    decoder::Decoder& decoder;
    const Clock& clock;
    EngineLoader load_engine;
    service::Moderator* moderator = nullptr;  // of pictures that are made; none: all are kept
  };
  Worker(Parts parts, WorkerOptions options);
  ~Worker();

  /// Opens the weights of every model of the catalogue once and says `ready`. The error of the
  /// first path that cannot be opened, with the model's name.
  Result<void> load();

  /// Works until `stop` is requested or the server's end of the wire is closed. Returns with no
  /// job in hand: the one in work is stopped and given back to the queue by the server.
  void run(std::stop_token stop);

 private:
  class Run;
  std::unique_ptr<Run> run_;
};

}  // namespace imagined::worker

// The domain of a server: its services, made over its stores in the order in which they need each
// other.
#pragma once

#include <functional>
#include <memory>

#include "api/call/call.h"
#include "base/result.h"
#include "cli/wiring.h"
#include "config/config.h"
#include "service/accounts/first_owner.h"
#include "service/accounts/key_desk.h"
#include "service/accounts/sessions.h"
#include "service/accounts/usage_desk.h"
#include "service/files/file_service.h"
#include "service/history/history_desk.h"
#include "service/jobs/job_watcher.h"
#include "service/maintenance/maintenance.h"
#include "service/pictures/delivery.h"
#include "service/pictures/image_service.h"
#include "service/pictures/intake.h"

namespace imagined::cli {

/// Everything that works behind the faces.
class Domain {
 public:
  /// What is given must outlive it. An error names the setting that is wrong. Nothing runs yet.
  static Result<std::unique_ptr<Domain>> make(const config::Config& config,
                                              const service::Catalogue& catalogue, Stores& stores);

  /// Starts the workers and what is done again and again. `on_ready` is told of each worker that is
  /// ready, `on_give_up` the status with which the first one ended that never was.
  void start(std::function<void()> on_ready, std::function<void(int)> on_give_up);
  /// After the faces.
  void stop();

  /// What handlers may use, but for the gauges of the faces.
  api::Services services();
  /// The state of all that is behind the faces; blocks.
  Result<service::Gauges> gauges();
  api::LoopGuest guest() const { return loop_guest(relaying_.get()); }
  service::JobQueue& queue() { return queue_; }
  service::FirstOwner& first_owner() { return first_owner_; }

 private:
  // What the settings decide, and may decide wrongly.
  struct Decided {
    service::AdmissionPolicy policy;
    std::unique_ptr<Moderation> moderation;
    std::unique_ptr<service::RemotePictures> web;
    std::unique_ptr<service::Admission> admission;
    std::unique_ptr<Relaying> relaying;  // null: no other server is named
  };
  static Result<Decided> decide(const config::Config& config, Stores& stores);
  Domain(const config::Config& config, const service::Catalogue& catalogue, Stores& stores,
         Decided decided);

  const service::Catalogue& catalogue_;
  Stores& stores_;
  std::unique_ptr<worker::Supervisor> workers_;
  std::unique_ptr<Moderation> moderation_;
  std::unique_ptr<service::RemotePictures> web_;
  std::unique_ptr<service::Admission> admission_;
  std::unique_ptr<Relaying> relaying_;
  std::unique_ptr<UpstreamMaking> upstreams_;  // null: they make nothing
  std::unique_ptr<service::AllWorkers> all_workers_;
  service::JobQueue queue_;
  service::KeyDesk desk_;
  service::UsageDesk usage_;
  service::FirstOwner first_owner_;
  service::Sessions sessions_;
  service::HistoryDesk history_;
  std::unique_ptr<service::PictureCache> cache_;  // null: off
  service::ImageService images_;
  service::FileService files_;
  service::Intake intake_;
  service::Delivery delivery_;
  service::JobWatcher watcher_;
  service::Maintenance maintenance_;
  api::CallOutcomes outcomes_;
};

}  // namespace imagined::cli

#include "cli/wiring_domain.h"

#include <utility>

#include "base/log.h"
#include "cli/process.h"
#include "service/gauges/state_gauges.h"
#include "service/jobs/stranded.h"

namespace imagined::cli {

Result<std::unique_ptr<Domain>> Domain::make(const config::Config& config,
                                             const service::Catalogue& catalogue, Stores& stores) {
  return std::unique_ptr<Domain>(
      new Domain(config, catalogue, stores, TRY(decide(config, stores))));
}

Result<Domain::Decided> Domain::decide(const config::Config& config, Stores& stores) {
  Decided decided;
  decided.policy = TRY(admission_policy(config.settings));
  decided.moderation = TRY(make_moderation(config.settings, stores));
  decided.web = TRY(open_web(config.settings));
  decided.admission =
      std::make_unique<service::Admission>(stores.limits(), stores.clock(), decided.policy);
  decided.relaying = TRY(make_relaying(config, process_environment(), *decided.admission, stores));
  return decided;
}

Domain::Domain(const config::Config& config, const service::Catalogue& catalogue, Stores& stores,
               Decided decided)
    : catalogue_(catalogue),
      stores_(stores),
      workers_(make_workers(config, process_environment(), stores)),
      moderation_(std::move(decided.moderation)),
      web_(std::move(decided.web)),
      admission_(std::move(decided.admission)),
      relaying_(std::move(decided.relaying)),
      upstreams_(
          make_upstream_making(catalogue, relaying_.get(), *web_, moderation_->moderator, stores)),
      all_workers_(make_all_workers(catalogue, *workers_, upstreams_.get())),
      queue_(stores.jobs(), stores.events(), *all_workers_),
      desk_(stores.keys(), stores.key_store()),
      usage_(stores.ledger(), decided.policy.team,
             {.per_second = decided.policy.per_second, .per_minute = decided.policy.per_minute}),
      first_owner_(stores.keys(), stores.clock()),
      sessions_({stores.sessions(), stores.keys(), stores.limits(), stores.clock()}),
      history_({.history = stores.history(),
                .archive = stores.archive(),
                .blobs = stores.blobs(),
                .queue = queue_,
                .events = stores.events(),
                .admission = *admission_,
                .workers = *all_workers_,
                .clock = stores.clock()},
               config.settings.device),
      cache_(stores.cache() == nullptr
                 ? nullptr
                 : std::make_unique<service::PictureCache>(
                       *stores.cache(), queue_, stores.archive(), cache_options(config.settings))),
      images_({.catalogue = catalogue,
               .queue = queue_,
               .archive = stores.archive(),
               .blobs = stores.blobs(),
               .workers = *all_workers_,
               .admission = *admission_,
               .ledger = stores.ledger(),
               .moderator = moderation_->moderator,
               .clock = stores.clock(),
               .cache = cache_.get()},
              {.queue_limit = config.settings.queue_limit,
               .job_timeout_ms = config.settings.job_timeout_s * 1000,
               .labels = config.settings.picture_metadata == "on"}),
      files_(stores.files(), stores.blobs(), stores.clock()),
      intake_(stores.blobs(), *web_, images_, files_),
      delivery_(images_, *web_),
      watcher_(stores.jobs(), queue_, stores.events()),
      maintenance_(all_duties(stores, queue_, config.settings)) {}

void Domain::start(std::function<void()> on_ready, std::function<void(int)> on_give_up) {
  watcher_.start();
  maintenance_.start();
  if (upstreams_) upstreams_->worker.start();
  workers_->start({.on_ready = std::move(on_ready),
                   .on_ended =
                       [this](const std::string& worker_id) {
                         return queue_.rescue(service::Stranded::of_worker(worker_id));
                       },
                   .on_give_up = std::move(on_give_up)});
}

void Domain::stop() {
  watcher_.stop();
  maintenance_.stop();
  if (const auto recorded = stores_.keys().record_uses(); !recorded)
    log(LogLevel::warn, "key_uses_lost", "reason={:?}", recorded.error().message);
  if (upstreams_) upstreams_->worker.stop();
  workers_->stop();
}

api::Services Domain::services() {
  return {.catalogue = catalogue_,
          .images = images_,
          .intake = intake_,
          .delivery = delivery_,
          .files = files_,
          .watcher = watcher_,
          .keys = stores_.keys(),
          .desk = desk_,
          .first_owner = first_owner_,
          .sessions = sessions_,
          .usage = usage_,
          .history = history_,
          .admission = *admission_,
          .links = stores_.links(),
          .workers = *all_workers_,
          .outcomes = outcomes_,
          .clock = stores_.clock(),
          .relay = relaying_ ? &relaying_->relay : nullptr};
}

Result<service::Gauges> Domain::gauges() {
  service::Gauges all = TRY(service::state_gauges({.catalogue = catalogue_,
                                                   .queue = queue_,
                                                   .ledger = stores_.ledger(),
                                                   .blobs = stores_.blobs(),
                                                   .workers = *all_workers_}));
  for (service::Gauge& gauge : stores_.gauges()) all.push_back(std::move(gauge));
  return all;
}

}  // namespace imagined::cli

// One call of a customer on its way through the server, whichever face it came to, and the domain
// that it may call.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "api/call/async.h"
#include "api/call/call_outcomes.h"
#include "base/clock.h"
#include "service/accounts/caller.h"
#include "service/accounts/first_owner.h"
#include "service/accounts/key_desk.h"
#include "service/accounts/key_service.h"
#include "service/accounts/sessions.h"
#include "service/accounts/usage_desk.h"
#include "service/admission/admission.h"
#include "service/catalogue/catalogue.h"
#include "service/files/file_service.h"
#include "service/gauges/gauge.h"
#include "service/history/history_desk.h"
#include "service/jobs/job_watcher.h"
#include "service/links/links.h"
#include "service/pictures/delivery.h"
#include "service/pictures/image_service.h"
#include "service/pictures/intake.h"
#include "service/ports/worker_pool.h"
#include "service/upstreams/relay.h"

namespace imagined::api {

/// What handlers may use. Everything outlives the faces.
struct Services {
  const service::Catalogue& catalogue;
  service::ImageService& images;
  service::Intake& intake;
  service::Delivery& delivery;
  service::FileService& files;
  service::JobWatcher& watcher;
  service::KeyService& keys;
  service::KeyDesk& desk;
  service::FirstOwner& first_owner;
  service::Sessions& sessions;
  service::UsageDesk& usage;
  service::HistoryDesk& history;
  service::Admission& admission;
  const service::Links& links;
  const service::WorkerPool& workers;
  CallOutcomes& outcomes;
  const Clock& clock;
  service::Relay* relay = nullptr;  // none: no other server is named
  /// What is to be told of the state behind all of it; blocks. Empty: nothing is.
  std::function<Result<service::Gauges>()> gauges = {};
};

/// How long a call waits for its job.
struct WaitTimes {
  std::chrono::milliseconds total{0};  // 0: as long as the work gets on
  /// Without a total: how long while nobody is at work.
  std::chrono::milliseconds idle{300'000};
};

struct Call {
  std::string id;                         // x-request-id
  std::optional<service::Caller> caller;  // who asks, where a key is needed
  std::stop_token client_gone;  // requested when the client has gone, or can be waited with no more
  std::stop_token server_ends;  // requested when that is because the server ends
  std::optional<service::LimitFigures> limits;  // where it draws under a limit
  bool over_limit = false;                      // and was refused by it
  std::string job_id;                           // for the log line
  std::int64_t charged_usd_ticks = 0;           // for a job that came to nothing
};

/// What handlers of every face are given.
struct CallContext {
  const Services& services;
  const WaitTimes& wait;
  Pool& pool;
  Pool& fetch_pool;  // for what waits for other machines
};

}  // namespace imagined::api

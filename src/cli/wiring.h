// Which concrete adapter stands behind each port. The only place that names them.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "api/http/server.h"
#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "decoder/decoder.h"
#include "service/accounts/key_service.h"
#include "service/admission/admission.h"
#include "service/cache/picture_cache.h"
#include "service/gauges/gauge.h"
#include "service/jobs/job_queue.h"
#include "service/links/links.h"
#include "service/maintenance/duty.h"
#include "service/moderation/moderator.h"
#include "service/ports/archive.h"
#include "service/ports/blob_store.h"
#include "service/ports/cache_store.h"
#include "service/ports/content_classifier.h"
#include "service/ports/file_store.h"
#include "service/ports/history.h"
#include "service/ports/job_events.h"
#include "service/ports/job_store.h"
#include "service/ports/key_store.h"
#include "service/ports/ledger_store.h"
#include "service/ports/limit_store.h"
#include "service/ports/remote_pictures.h"
#include "service/ports/session_store.h"
#include "service/ports/upstream_maker.h"
#include "service/upstreams/all_workers.h"
#include "service/upstreams/relay.h"
#include "service/upstreams/upstream_worker.h"
#include "service/upstreams/upstreams.h"
#include "storage/backup/backup.h"
#include "storage/web/web_upstreams.h"
#include "worker/supervisor.h"

namespace imagined::cli {

/// Who opens the stores: one server at a time per data folder, any number of others beside it. Only
/// servers and makers make what is not there.
enum class StoreUser : std::uint8_t { server, worker, command, maker };

/// Everything that keeps state, opened.
class Stores {
 public:
  /// `failed_precondition` when another server uses the data folder, or it can't be used;
  /// `not_found` when nothing is there yet.
  static Result<std::unique_ptr<Stores>> open(const config::Settings& settings, StoreUser user);
  virtual ~Stores() = default;

  virtual service::JobStore& jobs() = 0;
  virtual service::Archive& archive() = 0;
  virtual service::History& history() = 0;
  virtual service::BlobStore& blobs() = 0;
  virtual service::KeyService& keys() = 0;
  virtual service::KeyStore& key_store() = 0;
  virtual service::SessionStore& sessions() = 0;
  virtual service::LedgerStore& ledger() = 0;
  virtual service::LimitStore& limits() = 0;
  virtual service::FileStore& files() = 0;
  virtual service::CacheStore* cache() = 0;  // null: off
  virtual service::JobEvents& events() = 0;
  virtual service::Gauges gauges() const = 0;  // of what is kept
  virtual const service::Links& links() const = 0;
  virtual const Clock& clock() const = 0;
};

using storage::CopiedData;
/// As storage::copy_data.
Result<CopiedData> copy_data(const std::filesystem::path& from, const std::filesystem::path& to);

/// The worker process of a server, which is the pool and the bell of its domain; not started.
/// `environment` is that of this process.
std::unique_ptr<worker::Supervisor> make_workers(const config::Config& config,
                                                 const config::Environment& environment,
                                                 Stores& stores);

/// What the settings say of limits, quotas and charges. `invalid_argument` names the setting.
Result<service::AdmissionPolicy> admission_policy(const config::Settings& settings);

/// The World Wide Web, as far as pictures may be fetched from it. `invalid_argument` for a
/// `fetch_allow` that names neither networks nor hosts.
Result<std::unique_ptr<service::RemotePictures>> open_web(const config::Settings& settings);

/// Other servers, and what is needed to speak to them.
struct Relaying {
  std::unique_ptr<storage::WebUpstreams> client;
  service::Upstreams upstreams;
  service::Relay relay;

  Relaying(std::unique_ptr<storage::WebUpstreams> to, std::vector<service::Upstream> servers,
           std::vector<service::ModelPair> pairs, service::Admission& admission, Stores& stores);
};
/// Null when none is named. `invalid_argument` when a key is not in the environment, naming it.
Result<std::unique_ptr<Relaying>> make_relaying(const config::Config& config,
                                                const config::Environment& environment,
                                                service::Admission& admission, Stores& stores);

/// What it has to run on the server's loop. `relaying` may be null, and must outlive the server.
api::LoopGuest loop_guest(Relaying* relaying);

/// The worker of the models that other servers make, with what it needs.
struct UpstreamMaking {
  std::unique_ptr<service::UpstreamMaker> maker;
  decoder::Decoder decoder;
  service::UpstreamWorker worker;

  UpstreamMaking(Relaying& relaying, std::unique_ptr<service::UpstreamMaker> by,
                 std::vector<std::string> models, service::Moderator& moderator, Stores& stores);
};
/// Null when there are none. All else must outlive it.
std::unique_ptr<UpstreamMaking> make_upstream_making(const service::Catalogue& catalogue,
                                                     Relaying* relaying,
                                                     service::RemotePictures& web,
                                                     service::Moderator& moderator, Stores& stores);

/// The workers of this machine and those of other servers; `upstreams` may be null.
std::unique_ptr<service::AllWorkers> make_all_workers(const service::Catalogue& catalogue,
                                                      worker::Supervisor& own,
                                                      UpstreamMaking* upstreams);

/// How long pictures answer a request again, and at which price.
service::CacheOptions cache_options(const config::Settings& settings);

/// Who judges prompts beside the words of the policy, and pictures; null when the settings name
/// nobody. An error names the setting.
Result<std::unique_ptr<service::ContentClassifier>> make_classifier(
    const config::Settings& settings);

/// The moderator, with what it needs.
struct Moderation {
  service::ModerationPolicies policies;
  std::unique_ptr<service::ContentClassifier> classifier;  // null: words alone
  service::Moderator moderator;

  Moderation(service::ModerationPolicies rules, std::unique_ptr<service::ContentClassifier> outside,
             service::ModeratorOptions options, Stores& stores);
};
/// An error names the setting.
Result<std::unique_ptr<Moderation>> make_moderation(const config::Settings& settings,
                                                    Stores& stores);

/// What a server does again and again on these stores. They and `queue` must outlive the duties.
std::vector<service::Duty> all_duties(Stores& stores, service::JobQueue& queue,
                                      const config::Settings& settings);

}  // namespace imagined::cli

#include "cli/wiring.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "base/crypto.h"
#include "base/file.h"
#include "cli/checks.h"
#include "cli/decode.h"
#include "cli/process.h"
#include "config/moderation.h"
#include "config/toml_text.h"
#include "service/billing/money.h"
#include "service/jobs/stranded.h"
#include "service/maintenance/blob_sweep.h"
#include "service/maintenance/cache_expiry.h"
#include "service/maintenance/file_expiry.h"
#include "service/maintenance/job_expiry.h"
#include "service/maintenance/key_use.h"
#include "service/maintenance/lease_rescue.h"
#include "service/maintenance/picture_expiry.h"
#include "service/maintenance/session_expiry.h"
#include "service/maintenance/temporary_files.h"
#include "storage/disk/data_dir.h"
#include "storage/disk/data_gauges.h"
#include "storage/disk/disk_blob_store.h"
#include "storage/process/process_cache_store.h"
#include "storage/process/process_job_events.h"
#include "storage/process/process_limit_store.h"
#include "storage/sqlite/sqlite_archive.h"
#include "storage/sqlite/sqlite_cache_store.h"
#include "storage/sqlite/sqlite_database.h"
#include "storage/sqlite/sqlite_file_store.h"
#include "storage/sqlite/sqlite_history.h"
#include "storage/sqlite/sqlite_job_store.h"
#include "storage/sqlite/sqlite_key_store.h"
#include "storage/sqlite/sqlite_ledger_store.h"
#include "storage/sqlite/sqlite_session_store.h"
#include "storage/web/web_classifier.h"
#include "storage/web/web_pictures.h"
#include "storage/web/web_upstream_maker.h"
#include "storage/web/web_upstreams.h"

namespace imagined::cli {
namespace {

using storage::SqliteDatabase;

const SystemClock kClock;

std::unique_ptr<service::CacheStore> make_cache(const config::Settings& settings,
                                                SqliteDatabase& database) {
  if (settings.cache == "off") return nullptr;
  if (settings.cache == "database")
    return std::make_unique<storage::SqliteCacheStore>(database, kClock,
                                                       settings.cache_entries_max);
  return std::make_unique<storage::ProcessCacheStore>(
      kClock, static_cast<std::size_t>(settings.cache_entries_max));
}

// One SQLite file and one folder: what a single machine needs.
class LocalStores final : public Stores {
 public:
  struct Parts {
    storage::DataDir dir;
    std::optional<storage::DataDirLock> lock;
    std::unique_ptr<SqliteDatabase> database;
    std::unique_ptr<storage::DiskBlobStore> blobs;
    std::string pepper;
    std::string link_secret;
    std::string audit_secret;
  };

  LocalStores(Parts parts, const config::Settings& settings)
      : parts_(std::move(parts)),
        jobs_(*parts_.database, kClock),
        archive_(*parts_.database),
        history_(*parts_.database),
        key_store_(*parts_.database, kClock, parts_.audit_secret),
        sessions_(*parts_.database, kClock, parts_.audit_secret),
        ledger_(*parts_.database, kClock, parts_.audit_secret),
        limits_(kClock),
        files_(*parts_.database),
        cache_(make_cache(settings, *parts_.database)),
        keys_(key_store_, kClock,
              {.prefix = settings.key_prefix,
               .pepper = parts_.pepper,
               .rates = {.per_second = settings.rate_per_second,
                         .per_minute = settings.rate_per_minute},
               .pace = [this] { return jobs_.pace(); },
               .limits = &limits_}),
        links_(service::UrlSigner(parts_.link_secret), kClock, settings.url_life_s) {}

  service::JobStore& jobs() override { return jobs_; }
  service::Archive& archive() override { return archive_; }
  service::History& history() override { return history_; }
  service::BlobStore& blobs() override { return *parts_.blobs; }
  service::KeyService& keys() override { return keys_; }
  service::KeyStore& key_store() override { return key_store_; }
  service::SessionStore& sessions() override { return sessions_; }
  service::LedgerStore& ledger() override { return ledger_; }
  service::LimitStore& limits() override { return limits_; }
  service::FileStore& files() override { return files_; }
  service::CacheStore* cache() override { return cache_.get(); }
  service::JobEvents& events() override { return events_; }
  service::Gauges gauges() const override { return storage::data_gauges(parts_.dir); }
  const service::Links& links() const override { return links_; }
  const Clock& clock() const override { return kClock; }

 private:
  Parts parts_;
  storage::SqliteJobStore jobs_;
  storage::SqliteArchive archive_;
  storage::SqliteHistory history_;
  storage::SqliteKeyStore key_store_;
  storage::SqliteSessionStore sessions_;
  storage::SqliteLedgerStore ledger_;
  storage::ProcessLimitStore limits_;
  storage::SqliteFileStore files_;
  std::unique_ptr<service::CacheStore> cache_;
  storage::ProcessJobEvents events_;
  service::KeyService keys_;
  service::Links links_;
};

}  // namespace

Result<std::unique_ptr<Stores>> Stores::open(const config::Settings& settings, StoreUser user) {
  const bool makes = user == StoreUser::server || user == StoreUser::maker;
  if (!makes && !storage::DataDir::is_made(settings.data_dir)) {
    return fail(ErrorCode::not_found,
                fmt::format("{}: no server has kept anything here; `imagined serve` does, with the "
                            "same --data-dir",
                            settings.data_dir),
                "data_dir");
  }
  const storage::DataDir dir = TRY(storage::DataDir::open(settings.data_dir));
  LocalStores::Parts parts{.dir = dir};
  if (user == StoreUser::server) parts.lock.emplace(TRY(storage::DataDirLock::acquire(dir)));
  parts.database = TRY(SqliteDatabase::open(dir.database(), user == StoreUser::server
                                                                ? SqliteDatabase::Role::server
                                                                : SqliteDatabase::Role::worker));
  parts.blobs = TRY(storage::DiskBlobStore::open(dir.blobs(), kClock));
  parts.pepper = TRY(dir.secret("key_pepper"));
  parts.link_secret = TRY(dir.secret("links"));
  parts.audit_secret = TRY(dir.secret("audit"));
  return std::unique_ptr<Stores>(std::make_unique<LocalStores>(std::move(parts), settings));
}

Result<CopiedData> copy_data(const std::filesystem::path& from, const std::filesystem::path& to) {
  return storage::copy_data(
      from, to,
      [](const std::filesystem::path& folder) -> Result<std::unique_ptr<service::BlobStore>> {
        return TRY(storage::DiskBlobStore::open(folder, kClock));
      });
}

std::unique_ptr<worker::Supervisor> make_workers(const config::Config& config,
                                                 const config::Environment& environment,
                                                 Stores& stores) {
  worker::SupervisorOptions options{.executable = this_executable(),
                                    .config = to_toml(config, config::Remarks::none)};
  const auto is_key = [&config](const std::string& name) {  // of another server: not its business
    return std::ranges::find(config.upstreams, name, &config::UpstreamSettings::key_env) !=
           config.upstreams.end();
  };
  for (const auto& [name, value] : environment) {
    if (is_key(name)) continue;
    // Settings reach the worker by its file alone: a variable that a flag has overruled here would
    // win there.
    if (!name.starts_with("IMAGINED_")) options.environment.push_back(name + "=" + value);
  }
  return std::make_unique<worker::Supervisor>(std::move(options), stores.events());
}

Result<service::AdmissionPolicy> admission_policy(const config::Settings& settings) {
  const auto unless_none = [](std::int64_t value) {
    return value == 0 ? std::optional<std::int64_t>() : std::optional(value);
  };
  const auto budget = [](const std::string& text,
                         std::string_view name) -> Result<std::optional<std::int64_t>> {
    if (text.empty()) return std::optional<std::int64_t>();
    const std::int64_t ticks = TRY(service::parse_usd(text, name));
    if (ticks <= 0)
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("{} is \"{}\", expected more than 0, or nothing for no budget", name, text),
          std::string(name));
    return std::optional(ticks);
  };
  service::AdmissionPolicy policy{.per_second = settings.rate_per_second,
                                  .per_minute = settings.rate_per_minute,
                                  .in_flight = settings.in_flight_max,
                                  .waits = settings.limit_mode == "wait",
                                  .wait_ms_max = settings.limit_wait_s * 1000};
  policy.team.pictures_per_day = unless_none(settings.team_pictures_per_day);
  policy.team.pictures_per_month = unless_none(settings.team_pictures_per_month);
  policy.team.usd_ticks_per_day = TRY(budget(settings.team_usd_per_day, "team_usd_per_day"));
  policy.team.usd_ticks_per_month = TRY(budget(settings.team_usd_per_month, "team_usd_per_month"));
  policy.user.pictures_per_day = unless_none(settings.user_pictures_per_day);
  policy.user.pictures_per_month = unless_none(settings.user_pictures_per_month);
  policy.user.usd_ticks_per_day = TRY(budget(settings.user_usd_per_day, "user_usd_per_day"));
  policy.user.usd_ticks_per_month = TRY(budget(settings.user_usd_per_month, "user_usd_per_month"));
  policy.charge_policy = TRY(service::parse_charge_policy(settings.charge_policy));
  return policy;
}

Result<std::unique_ptr<service::RemotePictures>> open_web(const config::Settings& settings) {
  net::FetchRules rules = TRY(net::parse_fetch_rules(settings.fetch_allow));
  return std::unique_ptr<service::RemotePictures>(
      std::make_unique<storage::WebPictures>(std::move(rules)));
}

Result<std::unique_ptr<service::ContentClassifier>> make_classifier(
    const config::Settings& settings) {
  constexpr std::size_t kKeyBytesMax = 4096;
  if (settings.moderation_url.empty() && settings.moderation_pictures == "on")
    return fail(ErrorCode::invalid_argument,
                "moderation_pictures is on, and moderation_url names nobody who could judge them",
                "moderation_pictures");
  if (settings.moderation_url.empty()) return std::unique_ptr<service::ContentClassifier>();
  std::string key;
  if (!settings.moderation_key_file.empty())
    key = TRY(read_file(settings.moderation_key_file,
                        fmt::format("moderation_key_file: {}", settings.moderation_key_file),
                        kKeyBytesMax));
  while (!key.empty() && key.back() <= ' ') key.pop_back();
  return std::unique_ptr<service::ContentClassifier>(
      std::make_unique<storage::WebClassifier>(storage::WebClassifier::Options{
          .url = settings.moderation_url,
          .key = std::move(key),
          .model = settings.moderation_model,
          .timeout = std::chrono::milliseconds(settings.moderation_timeout_ms)}));
}

Moderation::Moderation(service::ModerationPolicies rules,
                       std::unique_ptr<service::ContentClassifier> outside,
                       service::ModeratorOptions options, Stores& stores)
    : policies(std::move(rules)),
      classifier(std::move(outside)),
      moderator({.policies = policies,
                 .classifier = classifier.get(),
                 .ledger = stores.ledger(),
                 .clock = stores.clock()},
                options) {}

Result<std::unique_ptr<Moderation>> make_moderation(const config::Settings& settings,
                                                    Stores& stores) {
  auto policies = TRY(config::load_moderation(settings.moderation_file));
  auto classifier = TRY(make_classifier(settings));
  return std::make_unique<Moderation>(
      std::move(policies), std::move(classifier),
      service::ModeratorOptions{.shadow = settings.moderation == "shadow",
                                .passes_when_down = settings.moderation_down == "pass",
                                .pictures = settings.moderation_pictures == "on"},
      stores);
}

Relaying::Relaying(std::unique_ptr<storage::WebUpstreams> to,
                   std::vector<service::Upstream> servers, std::vector<service::ModelPair> pairs,
                   service::Admission& admission, Stores& stores)
    : client(std::move(to)),
      upstreams(std::move(servers), stores.clock(), std::move(pairs)),
      relay({.upstreams = upstreams,
             .client = *client,
             .ledger = stores.ledger(),
             .admission = admission,
             .clock = stores.clock()}) {}

Result<std::unique_ptr<Relaying>> make_relaying(const config::Config& config,
                                                const config::Environment& environment,
                                                service::Admission& admission, Stores& stores) {
  if (config.upstreams.empty()) return std::unique_ptr<Relaying>();
  std::vector<service::Upstream> servers;
  for (const config::UpstreamSettings& settings : config.upstreams) {
    service::Upstream server{.name = settings.name,
                             .base_url = settings.base_url,
                             .key = {},
                             .ca_file = settings.ca_file,
                             .models = {},
                             .makers = {},
                             .has_image_tool = settings.has_image_tool,
                             .sees = settings.sees,
                             .has_responses = settings.has_responses,
                             .price_input_usd_ticks = settings.price_input_usd_ticks,
                             .price_output_usd_ticks = settings.price_output_usd_ticks};
    if (const auto problem = upstream_problem(settings, environment))
      return fail(ErrorCode::invalid_argument, *problem, "upstreams");
    if (!settings.key_env.empty()) server.key = environment.find(settings.key_env)->second;
    for (const std::string& model : settings.models) {
      const auto [name, there] = config::split_upstream_model(model);
      server.models.push_back({.name = std::string(name), .there = std::string(there)});
    }
    for (const config::ModelSettings& model : config.models)
      for (const std::string& text : model.upstreams)
        if (const auto [name, there] = config::split_upstream_model(text); name == settings.name)
          server.makers.push_back(
              {.name = model.name, .there = text == name ? model.name : std::string(there)});
    servers.push_back(std::move(server));
  }
  std::vector<service::ModelPair> pairs;
  for (const config::ChatSettings& chat : config.chats)
    pairs.push_back({.name = chat.name, .talks = chat.talks, .makes = chat.makes});
  return std::make_unique<Relaying>(std::make_unique<storage::WebUpstreams>(), std::move(servers),
                                    std::move(pairs), admission, stores);
}

api::LoopGuest loop_guest(Relaying* relaying) {
  if (relaying == nullptr) return {};
  net::HttpStreams& streams = relaying->client->streams();
  return {.move = [&streams](bool is_here) { streams.lend(is_here); },
          .drive = [&streams] { streams.drive(); },
          .fd = streams.fd()};
}

UpstreamMaking::UpstreamMaking(Relaying& relaying, std::unique_ptr<service::UpstreamMaker> by,
                               std::vector<std::string> models, service::Moderator& moderator,
                               Stores& stores)
    : maker(std::move(by)),
      decoder(own_decoder()),
      worker(
          {.upstreams = relaying.upstreams,
           .maker = *maker,
           .jobs = stores.jobs(),
           .blobs = stores.blobs(),
           .events = stores.events(),
           .clock = stores.clock(),
           .moderator = moderator.judges_pictures() ? &moderator : nullptr,
           .frames_of =
               [this](std::span<const std::uint8_t> file) -> Result<std::vector<image::Picture>> {
             const video::Frames frames = TRY(decoder.decode_video(file));
             std::vector<image::Picture> shown;
             const auto seconds = static_cast<int>(std::max(1.0, frames.seconds));
             for (int i = 0; i < seconds; ++i)
               shown.push_back(
                   frames.picture(static_cast<int>(std::int64_t{frames.count} * i / seconds)));
             return shown;
           }},
          {.id = fmt::format("{}upstreams-{}", service::kChildPrefix, random_base62(12)),
           .models = std::move(models)}) {}

std::unique_ptr<UpstreamMaking> make_upstream_making(const service::Catalogue& catalogue,
                                                     Relaying* relaying,
                                                     service::RemotePictures& web,
                                                     service::Moderator& moderator,
                                                     Stores& stores) {
  std::vector<std::string> models;
  for (const service::Model& model : catalogue.models())
    if (model.upstream_abilities) models.push_back(model.id);
  if (models.empty() || relaying == nullptr) return nullptr;
  return std::make_unique<UpstreamMaking>(
      *relaying, std::make_unique<storage::WebUpstreamMaker>(*relaying->client, web),
      std::move(models), moderator, stores);
}

std::unique_ptr<service::AllWorkers> make_all_workers(const service::Catalogue& catalogue,
                                                      worker::Supervisor& own,
                                                      UpstreamMaking* upstreams) {
  return std::make_unique<service::AllWorkers>(catalogue, own, own,
                                               upstreams == nullptr ? nullptr : &upstreams->worker);
}

service::CacheOptions cache_options(const config::Settings& settings) {
  std::int64_t life_s = settings.cache_life_s;
  if (settings.keep_pictures_days > 0) {
    // No link may outlive its picture, and a hit makes new ones.
    const std::int64_t kept_s = settings.keep_pictures_days * 86'400 - settings.url_life_s;
    life_s = std::clamp<std::int64_t>(kept_s, 0, life_s);
  }
  return {.life_ms = life_s * 1000, .at_full_price = settings.cache_hits == "full"};
}

std::vector<service::Duty> all_duties(Stores& stores, service::JobQueue& queue,
                                      const config::Settings& settings) {
  constexpr std::int64_t kDayMs = 24 * 3'600'000;
  std::vector<service::Duty> duties = {
      service::lease_rescue(queue),
      service::job_expiry({.queue = queue,
                           .archive = stores.archive(),
                           .clock = stores.clock(),
                           .keep_ms = settings.keep_jobs_days == 0
                                          ? std::optional<std::int64_t>()
                                          : settings.keep_jobs_days * kDayMs}),
      service::blob_sweep(stores.archive(), stores.blobs(), stores.clock()),
      service::temporary_files(stores.blobs(), stores.clock()),
      service::key_use(stores.keys()),
      service::file_expiry(stores.files(), stores.clock()),
      service::session_expiry(stores.sessions(), stores.clock()),
  };
  if (stores.cache() != nullptr) duties.push_back(service::cache_expiry(*stores.cache()));
  if (settings.keep_pictures_days > 0) {
    // No link may outlive its picture.
    const std::int64_t keep_ms =
        std::max(settings.keep_pictures_days * kDayMs, settings.url_life_s * 1000);
    duties.push_back(service::picture_expiry(stores.archive(), stores.clock(), keep_ms));
  }
  return duties;
}

}  // namespace imagined::cli

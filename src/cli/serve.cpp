// imagined serve: the API, and the worker that it looks after.
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>

#include "api/call/own_url.h"
#include "api/grpc/server.h"
#include "api/http/server.h"
#include "base/json_text.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/key_command.h"
#include "cli/options.h"
#include "cli/process.h"
#include "cli/version.h"
#include "cli/wiring.h"
#include "config/listen_address.h"
#include "engine/engine.h"
#include "service/accounts/first_owner.h"
#include "service/accounts/sessions.h"
#include "service/files/file_service.h"
#include "service/gauges/state_gauges.h"
#include "service/history/history_desk.h"
#include "service/jobs/job_queue.h"
#include "service/jobs/job_watcher.h"
#include "service/maintenance/maintenance.h"
#include "service/pictures/image_service.h"

namespace imagined::cli {
namespace {

api::MetricsReader metrics_reader(std::string_view word) {
  using Reader = api::MetricsReader;
  return word == "nobody"     ? Reader::nobody
         : word == "managers" ? Reader::managers
         : word == "all"      ? Reader::all
                              : Reader::local;
}

api::wire::ErrorStyle error_style(const Settings& settings) {
  return {.strict_xai = settings.strict_xai,
          .out_of_quota_status = std::stoi(settings.out_of_quota_status)};
}

api::ModeratedAnswer moderated_answer(std::string_view word) {
  if (word == "empty") return api::ModeratedAnswer::empty;
  return word == "marked" ? api::ModeratedAnswer::marked : api::ModeratedAnswer::error;
}

ConnectionRoom find_room(const Settings& settings) {
  const std::int64_t descriptors = raise_descriptor_limit();
  const ConnectionRoom room = connections_within(descriptors, settings.connections_max);
  if (room.served < settings.connections_max) {
    log(LogLevel::warn, "connections_limited",
        "connections_max={} wanted={} open_files_limit={} hint=\"raise it with ulimit -n or "
        "LimitNOFILE\"",
        room.served, settings.connections_max, descriptors);
  }
  return room;
}

Result<api::ServerOptions> server_options(const Settings& settings, const ConnectionRoom& room,
                                          const config::ListenAddress& address) {
  api::ProxyList trusted_proxies = TRY(api::ProxyList::parse(settings.trusted_proxies));
  api::Limits limits;
  limits.connections_max = static_cast<int>(room.served);
  limits.turned_away_max = static_cast<int>(room.turned_away);
  limits.connections_per_address_max = static_cast<int>(settings.connections_per_address_max);
  return api::ServerOptions{
      .host = address.host,
      .port = address.port,
      .pool_threads = static_cast<int>(settings.pool_threads),
      .drain_timeout = std::chrono::seconds(settings.drain_s),
      .limits = limits,
      .answers = {.public_url = settings.public_url,
                  .trusted_proxies = std::move(trusted_proxies),
                  .wait = {.total = std::chrono::seconds(settings.job_timeout_s)},
                  .cors_origin = settings.cors_origin,
                  .moderated = moderated_answer(settings.moderation_answer),
                  .metrics = metrics_reader(settings.metrics),
                  .errors = error_style(settings),
                  .dialect =
                      settings.strict_xai ? api::wire::Dialect::xai : api::wire::Dialect::all},
      .tls_certificate_file = settings.tls_certificate_file,
      .tls_key_file = settings.tls_key_file};
}

bool has_tls(const Settings& settings) { return !settings.tls_certificate_file.empty(); }

// By which programs of this machine reach us: "127.0.0.1:8080" also when it is all addresses.
std::string reached_by(const config::ListenAddress& address, std::uint16_t port) {
  return api::authority_of_endpoint(address.host == "0.0.0.0" ? "127.0.0.1"
                                    : address.host == "::"    ? "::1"
                                                              : address.host,
                                    port);
}

// The address that others can reach us by, as it was bound.
std::string bound(const config::ListenAddress& address, std::uint16_t port) {
  return api::authority_of_endpoint(address.host, port);
}

bool is_loopback(std::string_view host) { return host.starts_with("127.") || host == "::1"; }

// The one line on stdout by which scripts know that requests are answered.
void announce(const std::string& url, const std::string& grpc) {
  JsonText line = JsonText::object({{"event", "ready"}, {"http", url}});
  if (!grpc.empty()) line.add("grpc", grpc);
  fmt::print("{}\n", line.text());
  std::fflush(stdout);
}

// A server without an owner can be given one by whoever reads its log.
void offer_first_owner(service::FirstOwner& first_owner, const std::string& url) {
  const auto token = first_owner.offer();
  if (!token) log(LogLevel::warn, "no_owner_offered", "reason={:?}", token.error().message);
  if (!token || !*token) return;
  log(LogLevel::info, "no_owner",
      "claim_token={} valid_s={} hint=\"open {}/console and type it there, or: imagined people "
      "create --role owner\"",
      **token, service::FirstOwner::kTokenLifeMs / 1000, url);
}

struct Listen {
  config::ListenAddress http;
  std::optional<config::ListenAddress> grpc;
};

// Where clients of gRPC find HTTP: under the name that they know, or at an address of its own.
std::string http_host(const Listen& listen) {
  const bool is_everywhere = listen.http.host == "0.0.0.0" || listen.http.host == "::";
  return is_everywhere || listen.http.host == listen.grpc->host ? "" : listen.http.host;
}

api::GrpcOptions grpc_options(const Settings& settings, const Listen& listen,
                              api::ListenRules connections, std::uint16_t http_port) {
  return {.host = listen.grpc->host,
          .port = listen.grpc->port,
          .public_url = settings.public_url,
          .http_host = http_host(listen),
          .http_port = http_port,
          .tls_certificate_file = settings.tls_certificate_file,
          .tls_key_file = settings.tls_key_file,
          .moderated_is_kept_back = settings.moderation_answer != "error",
          .wait = {.total = std::chrono::seconds(settings.job_timeout_s)},
          .pool_threads = static_cast<int>(settings.pool_threads),
          .drain_timeout = std::chrono::seconds(settings.drain_s),
          .connections = std::move(connections)};
}

// Everything is open: serve until a signal comes or the worker proves useless.
int serve_until_stopped(const Config& config, const Listen& listen,
                        const service::Catalogue& catalogue, Stores& stores,
                        const std::stop_token& stop) {
  const auto workers = make_workers(config, process_environment(), stores);
  const auto policy = admission_policy(config.settings);
  if (!policy) return report(kExitConfig, policy.error());
  const auto moderation = make_moderation(config.settings, stores);
  if (!moderation) return report(kExitConfig, moderation.error());
  const auto web = open_web(config.settings);
  if (!web) return report(kExitConfig, web.error());
  service::Admission admission(stores.limits(), stores.clock(), *policy);
  const auto relaying = make_relaying(config, process_environment(), admission, stores);
  if (!relaying) return report(kExitConfig, relaying.error());
  const auto upstreams =
      make_upstream_making(catalogue, relaying->get(), **web, (*moderation)->moderator, stores);
  const auto all_workers = make_all_workers(catalogue, *workers, upstreams.get());
  service::JobQueue queue(stores.jobs(), stores.events(), *all_workers);
  // Whatever our children did when the last server ended is done again; other workers may live.
  if (const auto rescued = queue.rescue(service::Stranded::of_last_server()); !rescued)
    return report(rescued.error());
  service::KeyDesk desk(stores.keys(), stores.key_store());
  service::UsageDesk usage(stores.ledger(), policy->team,
                           {.per_second = policy->per_second, .per_minute = policy->per_minute});
  service::FirstOwner first_owner(stores.keys(), stores.clock());
  service::Sessions sessions({stores.sessions(), stores.keys(), stores.limits(), stores.clock()});
  service::HistoryDesk history({.history = stores.history(),
                                .archive = stores.archive(),
                                .blobs = stores.blobs(),
                                .queue = queue,
                                .events = stores.events(),
                                .admission = admission,
                                .workers = *all_workers,
                                .clock = stores.clock()},
                               config.settings.device);
  std::optional<service::PictureCache> cache;
  if (stores.cache() != nullptr)
    cache.emplace(*stores.cache(), queue, stores.archive(), cache_options(config.settings));
  service::ImageService images({.catalogue = catalogue,
                                .queue = queue,
                                .archive = stores.archive(),
                                .blobs = stores.blobs(),
                                .workers = *all_workers,
                                .admission = admission,
                                .ledger = stores.ledger(),
                                .moderator = (*moderation)->moderator,
                                .clock = stores.clock(),
                                .cache = cache ? &*cache : nullptr},
                               {.queue_limit = config.settings.queue_limit,
                                .job_timeout_ms = config.settings.job_timeout_s * 1000,
                                .labels = config.settings.picture_metadata == "on"});
  service::FileService files(stores.files(), stores.blobs(), stores.clock());
  service::Intake intake(stores.blobs(), **web, images, files);
  service::Delivery delivery(images, **web);
  service::JobWatcher watcher(stores.jobs(), queue, stores.events());
  service::Maintenance maintenance(all_duties(stores, queue, config.settings));
  const service::Watched watched{.catalogue = catalogue,
                                 .queue = queue,
                                 .ledger = stores.ledger(),
                                 .blobs = stores.blobs(),
                                 .workers = *all_workers};
  std::optional<api::GrpcServer> grpc;
  const auto gauges = [&]() -> Result<service::Gauges> {
    service::Gauges all = TRY(service::state_gauges(watched));
    for (service::Gauge& gauge : stores.gauges()) all.push_back(std::move(gauge));
    if (grpc) {
      for (service::Gauge& gauge : grpc->gauges()) all.push_back(std::move(gauge));
    }
    return all;
  };
  const ConnectionRoom room = find_room(config.settings);
  auto options = server_options(config.settings, room, listen.http);
  if (!options) return report(kExitConfig, options.error());
  api::ListenRules grpc_connections{
      .connections_max = static_cast<int>(room.by_grpc),
      .connections_per_address_max = options->limits.connections_per_address_max,
      .trusted_proxies = options->answers.trusted_proxies};
  api::CallOutcomes outcomes;
  const api::Services services{.catalogue = catalogue,
                               .images = images,
                               .intake = intake,
                               .delivery = delivery,
                               .files = files,
                               .watcher = watcher,
                               .keys = stores.keys(),
                               .desk = desk,
                               .first_owner = first_owner,
                               .sessions = sessions,
                               .usage = usage,
                               .history = history,
                               .admission = admission,
                               .links = stores.links(),
                               .workers = *all_workers,
                               .outcomes = outcomes,
                               .clock = stores.clock(),
                               .relay = *relaying ? &(*relaying)->relay : nullptr,
                               .gauges = gauges};
  options->guest = loop_guest(relaying->get());
  api::HttpServer server(std::move(*options), services);
  if (const auto listening = server.listen(); !listening) return report(listening.error());
  if (listen.grpc) {
    grpc.emplace(grpc_options(config.settings, listen, std::move(grpc_connections), server.port()),
                 services);
    if (const auto started = grpc->start(); !started) return report(started.error());
  }

  std::atomic<int> status = kExitOk;
  std::atomic<bool> announced = false;
  const std::string url = fmt::format("{}://{}", has_tls(config.settings) ? "https" : "http",
                                      reached_by(listen.http, server.port()));
  const std::string grpc_target = grpc ? reached_by(*listen.grpc, grpc->port()) : "";
  watcher.start();
  maintenance.start();
  if (upstreams) upstreams->worker.start();
  workers->start({.on_ready =
                      [&] {
                        if (!announced.exchange(true)) announce(url, grpc_target);
                      },
                  .on_ended =
                      [&](const std::string& worker_id) {
                        return queue.rescue(service::Stranded::of_worker(worker_id));
                      },
                  .on_give_up =
                      [&](int worker_status) {
                        status = worker_status;
                        server.stop();
                      }});
  log(LogLevel::info, "listening", "address={} http={} grpc={} version={} data_dir={:?}",
      bound(listen.http, server.port()), url, grpc ? bound(*listen.grpc, grpc->port()) : "off",
      kVersion, config.settings.data_dir);
  if (const auto keys = stores.keys().list(); keys && keys_of(Holder::customer, *keys).empty()) {
    log(LogLevel::info, "no_keys", "hint=\"imagined keys create --name NAME\"");
  }
  offer_first_owner(first_owner, url);
  const bool is_open =
      !is_loopback(listen.http.host) || (listen.grpc && !is_loopback(listen.grpc->host));
  if (is_open && !has_tls(config.settings)) {
    log(LogLevel::warn, "open_to_network",
        "address={} hint=\"whoever reaches it sees keys and pictures unencrypted; put a proxy with "
        "TLS before it, see docs/operations.md\"",
        is_loopback(listen.http.host) ? bound(*listen.grpc, grpc->port())
                                      : bound(listen.http, server.port()));
  }
  {
    const std::stop_callback on_signal(stop, [&] {
      if (grpc) grpc->stop();
      server.stop();
    });
    server.run();
  }
  if (grpc) {
    grpc->stop();
    grpc->join();
  }
  watcher.stop();
  maintenance.stop();
  if (const auto recorded = stores.keys().record_uses(); !recorded)
    log(LogLevel::warn, "key_uses_lost", "reason={:?}", recorded.error().message);
  if (upstreams) upstreams->worker.stop();
  workers->stop();
  log(LogLevel::info, "stopped", "");
  return status;
}

int serve(const ConfigFlags& flags) {
  const std::stop_token stop = stop_on_signals();
  prepare_to_serve();
  const auto config = load_config(flags);
  if (!config) return report(kExitConfig, config.error());
  const auto catalogue = make_catalogue(*config, engine::model_card);
  if (!catalogue) return report(kExitConfig, catalogue.error());
  const auto http = config::parse_listen_address(config->settings.http_listen);
  if (!http) return report(kExitConfig, http.error());
  const auto certificate =
      api::check_certificate(config->settings.tls_certificate_file, config->settings.tls_key_file);
  if (!certificate) return report(kExitConfig, certificate.error());
  const auto grpc = config::parse_grpc_listen(config->settings.grpc_listen);
  if (!grpc) return report(kExitConfig, grpc.error());
  const auto stores = Stores::open(config->settings, StoreUser::server);
  if (!stores) return report(stores.error());
  return serve_until_stopped(*config, {*http, *grpc}, *catalogue, **stores, stop);
}

}  // namespace

Command serve_command() {
  const auto flags = std::make_shared<ConfigFlags>();
  Command command{"serve", "Serve the API; starts its own worker"};
  add_config_options(command, *flags);
  command.footer =
      "Prints one line of JSON on stdout when it answers: "
      "{\"event\":\"ready\",\"http\":...,\"grpc\":...}\n"
      "Ends on SIGTERM, SIGINT or SIGHUP, after the replies in work; a second signal ends it at "
      "once.\n"
      "Examples:\n"
      "  imagined serve --http-listen 127.0.0.1:0 --data-dir /var/lib/imagined\n"
      "  imagined serve --set models.grok-imagine-image.path=/models/flux2-klein";
  command.run = [flags] { return serve(*flags); };
  return command;
}

}  // namespace imagined::cli

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
#include "cli/wiring_domain.h"
#include "config/listen_address.h"
#include "engine/engine.h"
#include "service/jobs/stranded.h"

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

// HTTP, and gRPC where it is wanted, over one domain.
class Faces {
 public:
  Faces(Domain& domain, const Settings& settings, const Listen& listen, const ConnectionRoom& room,
        api::ServerOptions options)
      : domain_(domain),
        settings_(settings),
        listen_(listen),
        grpc_connections_{.connections_max = static_cast<int>(room.by_grpc),
                          .connections_per_address_max = options.limits.connections_per_address_max,
                          .trusted_proxies = options.answers.trusted_proxies},
        http_(std::move(options), services()) {}

  Result<void> open() {
    TRY(http_.listen());
    if (!listen_.grpc) return {};
    grpc_.emplace(grpc_options(settings_, listen_, grpc_connections_, http_.port()), services());
    return grpc_->start();
  }

  /// Answers until `stop` is requested or `give_up` called.
  void run(const std::stop_token& stop) {
    {
      const std::stop_callback on_signal(stop, [&] {
        if (grpc_) grpc_->stop();
        http_.stop();
      });
      http_.run();
    }
    if (!grpc_) return;
    grpc_->stop();
    grpc_->join();
  }
  void give_up() { http_.stop(); }

  // By which programs of this machine reach us; gRPC's is empty where it is off.
  std::string http_url() const {
    return fmt::format("{}://{}", has_tls(settings_) ? "https" : "http",
                       reached_by(listen_.http, http_.port()));
  }
  std::string grpc_target() const { return grpc_ ? reached_by(*listen_.grpc, grpc_->port()) : ""; }
  // As they were bound.
  std::string http_address() const {
    return api::authority_of_endpoint(listen_.http.host, http_.port());
  }
  std::string grpc_address() const {
    return grpc_ ? api::authority_of_endpoint(listen_.grpc->host, grpc_->port()) : "off";
  }

 private:
  api::Services services() {
    api::Services services = domain_.services();
    services.gauges = [this]() -> Result<service::Gauges> {
      service::Gauges all = TRY(domain_.gauges());
      if (grpc_) {
        for (service::Gauge& gauge : grpc_->gauges()) all.push_back(std::move(gauge));
      }
      return all;
    };
    return services;
  }

  Domain& domain_;
  const Settings& settings_;
  const Listen& listen_;
  const api::ListenRules grpc_connections_;
  std::optional<api::GrpcServer> grpc_;
  api::HttpServer http_;
};

// What whoever has started a server wants to know of it.
void log_start(const Config& config, const Listen& listen, const Faces& faces, Stores& stores) {
  log(LogLevel::info, "listening", "address={} http={} grpc={} version={} data_dir={:?}",
      faces.http_address(), faces.http_url(), faces.grpc_address(), kVersion,
      config.settings.data_dir);
  if (const auto keys = stores.keys().list(); keys && keys_of(Holder::customer, *keys).empty()) {
    log(LogLevel::info, "no_keys", "hint=\"imagined keys create --name NAME\"");
  }
  const bool http_is_open = !is_loopback(listen.http.host);
  const bool grpc_is_open = listen.grpc && !is_loopback(listen.grpc->host);
  if ((http_is_open || grpc_is_open) && !has_tls(config.settings)) {
    log(LogLevel::warn, "open_to_network",
        "address={} hint=\"whoever reaches it sees keys and pictures unencrypted; put a proxy with "
        "TLS before it, see docs/operations.md\"",
        http_is_open ? faces.http_address() : faces.grpc_address());
  }
}

// Everything is open: serve until a signal comes or the worker proves useless.
int serve_until_stopped(const Config& config, const Listen& listen,
                        const service::Catalogue& catalogue, Stores& stores,
                        const std::stop_token& stop) {
  const auto domain = Domain::make(config, catalogue, stores);
  if (!domain) return report(kExitConfig, domain.error());
  // Whatever our children did when the last server ended is done again; other workers may live.
  if (const auto rescued = (*domain)->queue().rescue(service::Stranded::of_last_server()); !rescued)
    return report(rescued.error());
  const ConnectionRoom room = find_room(config.settings);
  auto options = server_options(config.settings, room, listen.http);
  if (!options) return report(kExitConfig, options.error());
  options->guest = (*domain)->guest();
  Faces faces(**domain, config.settings, listen, room, std::move(*options));
  if (const auto opened = faces.open(); !opened) return report(opened.error());

  std::atomic<int> status = kExitOk;
  std::atomic<bool> announced = false;
  (*domain)->start(
      [&] {
        if (!announced.exchange(true)) announce(faces.http_url(), faces.grpc_target());
      },
      [&](int worker_status) {
        status = worker_status;
        faces.give_up();
      });
  log_start(config, listen, faces, stores);
  offer_first_owner((*domain)->first_owner(), faces.http_url());
  faces.run(stop);
  (*domain)->stop();
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

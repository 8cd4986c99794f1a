#include <algorithm>

#include "api/http/router.h"
#include "api/http/routes.h"
#include "api/http/tally.h"
#include "api/wire/metrics_text.h"
#include "base/process_stats.h"

namespace imagined::api {
namespace {

Result<void> check_manager(const Services& services, std::string_view authorization) {
  const auto given = authorization.empty() ? std::nullopt : std::optional(authorization);
  const auto caller = TRY(services.keys.authenticate(given, service::Usable::now));
  if (caller.role) return {};
  return fail(ErrorCode::permission_denied, "the metrics are for people, with a management key");
}

// A request from this machine that a proxy has passed on is not one from this machine, nor is one
// of a page that a browser here shows, under whatever name its host is known to it.
bool is_local(const Context& context, const Exchange& exchange) {
  const Headers& headers = exchange.request.headers;
  constexpr std::string_view kOfOthers[] = {"forwarded", "x-forwarded-for", "x-real-ip", "via",
                                            "origin"};
  return exchange.peer.is_loopback() &&
         std::ranges::none_of(kOfOthers,
                              [&](std::string_view name) { return headers.has(name); }) &&
         names_this_server(headers.find("host"), own_names(context.options, exchange));
}

Async<Result<void>> check_reader(const Context& context, const Exchange& exchange) {
  switch (context.options.metrics) {
    case MetricsReader::nobody:
      co_return fail(ErrorCode::not_found, "this server tells no metrics (its setting `metrics`)");
    case MetricsReader::local:
      if (is_local(context, exchange)) co_return Result<void>();
      co_return fail(ErrorCode::permission_denied,
                     "the metrics are for this machine alone (the server's setting `metrics`)");
    case MetricsReader::managers: {
      const auto authorization = exchange.request.headers.find("authorization");
      co_return co_await on_pool(context.pool,
                                 [&] { return check_manager(context.services, authorization); });
    }
    case MetricsReader::all:
      break;
  }
  co_return Result<void>();
}

service::Gauges process_gauges(const ProcessStats& stats) {
  using Kind = service::Gauge::Kind;
  return {
      {.name = "process_cpu_seconds_total",
       .help = "Processor time of the server",
       .kind = Kind::counter,
       .labels = {},
       .value = stats.cpu_s},
      {.name = "process_start_time_seconds",
       .help = "When the server was started, unix time",
       .labels = {},
       .value = stats.started_unix_s},
      {.name = "process_resident_memory_bytes",
       .help = "Memory that the server holds",
       .labels = {},
       .value = stats.resident_bytes},
      {.name = "process_virtual_memory_bytes",
       .help = "Addresses that the server holds",
       .labels = {},
       .value = stats.virtual_bytes},
      {.name = "process_threads",
       .help = "Threads of the server",
       .labels = {},
       .value = stats.threads},
      {.name = "process_open_fds",
       .help = "Open files and connections of the server",
       .labels = {},
       .value = stats.open_files},
      {.name = "process_max_fds",
       .help = "Files and connections that it may open",
       .labels = {},
       .value = stats.open_files_max},
  };
}

struct Told {
  service::Gauges process;
  Result<service::Gauges> state;
};

}  // namespace

// What the server has counted is told even while its stores are away.
Async<Result<Response>> show_metrics(const Context& context, Exchange& exchange) {
  auto allowed = co_await check_reader(context, exchange);
  if (!allowed) co_return tl::unexpected(std::move(allowed.error()));
  const auto told = co_await on_pool(context.pool, [&] {
    const auto& gauges = context.services.gauges;
    return Told{.process = process_gauges(process_stats()),
                .state = gauges ? gauges() : service::Gauges()};
  });
  wire::MetricsText text;
  context.tally.write(text);
  text.gauges(context.services.outcomes.gauges());
  text.family("pool_calls", "gauge", "Calls of the stores that are under way or wait for a thread");
  text.sample("pool_calls", {}, context.pool.calls());
  text.family("stores_up", "gauge", "Whether the stores have answered for the rest of this page");
  text.sample("stores_up", {}, std::int64_t{told.state ? 1 : 0});
  text.gauges(told.process);
  if (told.state) text.gauges(*told.state);
  Response response{.body = std::move(text).take()};
  response.headers.add("content-type", wire::kMetricsType);
  response.headers.add("cache-control", "no-store");
  co_return response;
}

}  // namespace imagined::api

#include "service/gauges/state_gauges.h"

#include <map>

namespace imagined::service {
namespace {

std::int64_t number(bool yes) { return yes ? 1 : 0; }

/// Sums what all teams or models have, but for the revenue of each model: as many rows as there are
/// models, however many customers.
std::map<std::string, std::int64_t> by_kind(const std::map<std::string, std::int64_t>& balances) {
  std::map<std::string, std::int64_t> sums;
  for (const auto& [account, usd_ticks] : balances)
    if (!account.starts_with("revenue:")) sums[account.substr(0, account.find(':'))] += usd_ticks;
  return sums;
}

}  // namespace

Result<Gauges> state_gauges(const Watched& watched) {
  const QueuePace pace = TRY(watched.queue.pace());
  const auto balances = TRY(watched.ledger.balances());
  Gauges gauges;
  const auto add = [&](std::string_view name, std::string_view help, auto value,
                       decltype(Gauge::labels) labels = {}, Gauge::Kind kind = Gauge::Kind::level) {
    gauges.push_back(
        {.name = name, .help = help, .kind = kind, .labels = std::move(labels), .value = value});
  };
  constexpr std::string_view kJobs = "Jobs that have not ended";
  add("jobs", kJobs, pace.queued, {{"state", "queued"}});
  add("jobs", kJobs, pace.running, {{"state", "running"}});
  add("job_run_seconds", "Mean time of the jobs that were made last",
      static_cast<double>(pace.run_ms) / 1000);
  add("worker_ready", "Whether a worker has loaded its models", number(watched.workers.is_ready()));
  add("worker_starts_total", "Worker processes that were started", watched.workers.starts(), {},
      Gauge::Kind::counter);
  for (const Model& model : watched.catalogue.models())
    add("model_available", "Whether jobs for a model are taken",
        number(model.elsewhere || watched.workers.accepts(model.id)), {{"model", model.id}});
  constexpr std::string_view kRevenue = "What was paid for a model's pictures, in 1e-10 US dollar";
  for (const auto& [account, usd_ticks] : balances)
    if (account.starts_with("revenue:"))
      add("revenue_usd_ticks", kRevenue, usd_ticks,
          {{"model", account.substr(account.find(':') + 1)}});
  for (const auto& [kind, usd_ticks] : by_kind(balances))
    add("ledger_usd_ticks", "Balances of all teams together, in 1e-10 US dollar", usd_ticks,
        {{"account", kind}});
  add("storage_has_room", "Whether there is room for new pictures",
      number(watched.blobs.check_room().has_value()));
  return gauges;
}

}  // namespace imagined::service

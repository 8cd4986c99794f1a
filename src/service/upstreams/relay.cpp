#include "service/upstreams/relay.h"

#include <fmt/core.h>

#include <utility>

#include "base/ids.h"

namespace imagined::service {
namespace {

constexpr std::int64_t kFreshMs = 1'000;

}  // namespace

Charge Relay::charge_of(const Caller& caller, std::string_view model) const {
  return {.id = make_uuid(parts_.clock),
          .owner = caller.owner,
          .user = {},
          .model = std::string(model),
          .bill = {},
          .pictures = 1,
          .is_words = true,
          .created_ms = parts_.clock.unix_ms()};
}

Result<Spending> Relay::spending(const Caller& caller) {
  Spending spending{.uses = {}, .seen_ms = parts_.clock.monotonic_ms()};
  const Reservation reservation = parts_.admission.reservation(caller, {.owner = caller.owner});
  if (reservation.quotas.empty()) return spending;
  const std::optional<std::int64_t> own = TRY(parts_.ledger.team_limit(caller.owner.team_id));
  for (const Quota& asked : reservation.quotas) {
    Quota quota = asked.is_teams_month ? lowered(asked, own) : asked;
    const Amount used = TRY(parts_.ledger.spent(quota.bucket, quota.period));
    spending.uses.push_back({std::move(quota), used});
  }
  return spending;
}

bool Relay::is_fresh(const Spending& spending) const {
  return parts_.clock.monotonic_ms() - spending.seen_ms < kFreshMs;
}

Result<void> Relay::check(const Caller& caller, std::string_view model, const Spending& spending) {
  if (!(caller.scopes == ScopeSet::all()))
    return tl::unexpected<Error>(
        Error{.code = ErrorCode::unauthenticated,
              .message = "This API key is not allowed to do this: it is limited to scopes, and the "
                         "models of other servers are for keys with all of them.",
              .reason = ErrorReason::wrong_scope});
  TRY(require_model(caller, model));
  // What it will cost shows when it has come: an owner that has nothing left does not begin.
  constexpr Amount kLeast{.pictures = 0, .usd_ticks = 1};
  for (const auto& [quota, used] : spending.uses) {
    const auto left = check_quota(quota, used, kLeast, parts_.clock.unix_ms());
    if (!left) parts_.admission.note_refusal(caller, model, left.error());
    TRY(left);
  }
  return {};
}

Result<void> Relay::check(const Caller& caller, std::string_view model) {
  const Spending spending = TRY(this->spending(caller));
  return check(caller, model, spending);
}

std::unique_ptr<UpstreamAnswer> Relay::post(const UpstreamRoute& route, Question question,
                                            std::function<void()> on_news) {
  UpstreamPost post{
      .url = fmt::format("{}{}", route.upstream->base_url, question.path),
      .headers = headers_for(*route.upstream,
                             question.as_events ? "text/event-stream" : "application/json"),
      .body = std::move(question.body),
      .ca_file = route.upstream->ca_file};
  post.headers.push_back(fmt::format("idempotency-key: {}", question.id));
  return parts_.client.post(std::move(post), std::move(on_news));
}

Result<std::int64_t> Relay::record(const Caller& caller, std::string_view model,
                                   const UpstreamRoute& route, const TokenUsage& usage) {
  Charge charge = charge_of(caller, model);
  charge.bill.per_picture_usd_ticks = cost_of(*route.upstream, usage);
  Reservation reservation = parts_.admission.reservation(caller, std::move(charge));
  reservation.quotas.clear();  // it is delivered already: the books say so, whatever was left
  return parts_.ledger.record(reservation, {.outcome = Outcome::delivered, .delivered = 1});
}

}  // namespace imagined::service

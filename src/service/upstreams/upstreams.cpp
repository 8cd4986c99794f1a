#include "service/upstreams/upstreams.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "service/billing/money.h"

namespace imagined::service {

namespace {

constexpr std::int64_t kPriced = 1'000'000;  // tokens
constexpr std::int64_t kLackMs = 10 * 60'000;

/// In two parts, each of which fits: prices and counts are bounded where they are read.
std::int64_t price_of(std::int64_t usd_ticks, std::int64_t tokens) {
  return sum_of(product_of(usd_ticks / kPriced, tokens),
                product_of(usd_ticks % kPriced, tokens) / kPriced);
}

}  // namespace

std::int64_t cost_of(const Upstream& upstream, const TokenUsage& usage) {
  if (usage.cost_usd_ticks >= 0) return usage.cost_usd_ticks;
  return sum_of(price_of(upstream.price_input_usd_ticks, usage.input),
                price_of(upstream.price_output_usd_ticks, usage.output));
}

std::vector<std::string> headers_for(const Upstream& upstream, std::string_view accepted) {
  std::vector<std::string> headers = {"content-type: application/json",
                                      "accept: " + std::string(accepted)};
  if (!upstream.key.empty()) headers.push_back("authorization: Bearer " + upstream.key);
  return headers;
}

Upstreams::Upstreams(std::vector<Upstream> upstreams, const Clock& clock,
                     std::vector<ModelPair> pairs)
    : upstreams_(std::move(upstreams)), clock_(clock), pairs_(std::move(pairs)) {
  for (const Upstream& upstream : upstreams_) {
    breakers_.try_emplace(&upstream);
    for (const UpstreamModel& model : upstream.models) models_.try_emplace(model.name, &upstream);
  }
  for (const ModelPair& pair : pairs_) {
    CHECK(models_.contains(pair.talks), "nobody talks for {}", pair.name);
    models_.try_emplace(pair.name, models_.find(pair.talks)->second);
  }
}

const ModelPair* Upstreams::pair(std::string_view model) const {
  const auto found = std::ranges::find(pairs_, model, &ModelPair::name);
  return found == pairs_.end() ? nullptr : &*found;
}

std::vector<UpstreamRoute> Upstreams::routes(std::string_view model) {
  const ModelPair* both = pair(model);
  return routes(both == nullptr ? model : both->talks, &Upstream::models);
}

std::vector<UpstreamRoute> Upstreams::makers(std::string_view model) {
  return routes(model, &Upstream::makers);
}

std::vector<UpstreamRoute> Upstreams::routes(std::string_view model, ModelsOf models) {
  std::vector<UpstreamRoute> well;
  std::vector<UpstreamRoute> failing;
  for (const Upstream& upstream : upstreams_) {
    for (const UpstreamModel& offered : upstream.*models) {
      if (offered.name != model) continue;
      const bool may_try = breakers_.at(&upstream).may_try(clock_.monotonic_ms());
      (may_try ? well : failing).push_back({.upstream = &upstream, .model = offered.there});
      break;
    }
  }
  // Nobody else is there: better to ask who has failed than to refuse unasked.
  well.insert(well.end(), failing.begin(), failing.end());
  return well;
}

void Upstreams::succeeded(const Upstream& upstream) { breakers_.at(&upstream).succeeded(); }

void Upstreams::failed(const Upstream& upstream) {
  breakers_.at(&upstream).failed(clock_.monotonic_ms());
}

bool Upstreams::may_have_responses(const UpstreamRoute& route) const {
  if (!route.upstream->has_responses) return false;
  const std::lock_guard lock(mutex_);
  const auto lacks = lack_responses_until_ms_.find({route.upstream, std::string(route.model)});
  return lacks == lack_responses_until_ms_.end() || lacks->second <= clock_.monotonic_ms();
}

void Upstreams::missed_responses(const UpstreamRoute& route) {
  const std::lock_guard lock(mutex_);
  lack_responses_until_ms_.try_emplace({route.upstream, std::string(route.model)}, 0);
}

void Upstreams::lacks_responses(const UpstreamRoute& route) {
  const std::lock_guard lock(mutex_);
  const auto missed = lack_responses_until_ms_.find({route.upstream, std::string(route.model)});
  if (missed != lack_responses_until_ms_.end()) missed->second = clock_.monotonic_ms() + kLackMs;
}

}  // namespace imagined::service

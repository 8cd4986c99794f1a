#include "service/admission/admission.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace imagined::service {
namespace {

std::vector<LimitRule> rate_rules(const std::optional<std::int64_t>& per_second,
                                  const std::optional<std::int64_t>& per_minute) {
  std::vector<LimitRule> rules;
  if (per_second) rules.push_back({.name = "rps", .window = {*per_second, 1'000}});
  if (per_minute) rules.push_back({.name = "rpm", .window = {*per_minute, 60'000}});
  return rules;
}

void add_quotas(const std::string& bucket, const Allowance& allowance, std::vector<Quota>& quotas) {
  const auto add = [&](QuotaPeriod period, const auto& pictures, const auto& usd_ticks) {
    if (pictures || usd_ticks)
      quotas.push_back(
          {.bucket = bucket, .period = period, .pictures = pictures, .usd_ticks = usd_ticks});
  };
  add(QuotaPeriod::day, allowance.pictures_per_day, allowance.usd_ticks_per_day);
  add(QuotaPeriod::month, allowance.pictures_per_month, allowance.usd_ticks_per_month);
}

// The month is there without a limit too, for the team may have one of its own.
void add_team_quotas(const std::string& bucket, Allowance allowance, std::vector<Quota>& quotas) {
  const Quota month{.bucket = bucket,
                    .period = QuotaPeriod::month,
                    .pictures = std::exchange(allowance.pictures_per_month, std::nullopt),
                    .usd_ticks = std::exchange(allowance.usd_ticks_per_month, std::nullopt),
                    .is_teams_month = true};
  add_quotas(bucket, allowance, quotas);
  quotas.push_back(month);
}

std::string subject_of(std::string_view model) {
  return fmt::format("this key and model {}", model);
}

}  // namespace

std::vector<Draw> Admission::draws(const Caller& caller, std::string_view model) const {
  const Allowance& own = caller.allowance;
  std::vector<Draw> draws;
  draws.push_back({.bucket = fmt::format("key:{} model:{}", caller.owner.key_id, model),
                   .rules = rate_rules(own.per_second.value_or(policy_.per_second),
                                       own.per_minute.value_or(policy_.per_minute))});
  auto team_rules = rate_rules(policy_.team.per_second, policy_.team.per_minute);
  if (!team_rules.empty())
    draws.push_back({.bucket = fmt::format("team:{} model:{}", caller.owner.team_id, model),
                     .rules = std::move(team_rules)});
  return draws;
}

Admitted Admission::answer_of(const Verdict& verdict, const Owner& owner,
                              const std::string& model) {
  Admitted answer{.figures = figures_of(verdict)};
  if (verdict.admitted) return answer;
  answer.refusal = limit_error(verdict, subject_of(model));
  note(owner, model, *answer.refusal);
  return answer;
}

void Admission::note(const Owner& owner, const std::string& model, const Error& refusal) {
  refusals_.push_back(
      {.at_ms = clock_.unix_ms(), .owner = owner, .model = model, .message = refusal.message});
  if (refusals_.size() > kRefusalsKept) refusals_.pop_front();
}

void Admission::note_refusal(const Caller& caller, std::string_view model, const Error& error) {
  if (error.code != ErrorCode::resource_exhausted) return;
  const std::lock_guard lock(mutex_);
  note(caller.owner, std::string(model), error);
}

std::vector<LimitRefusal> Admission::refused(const Caller& caller) {
  const std::lock_guard lock(mutex_);
  std::vector<LimitRefusal> found;
  for (auto each = refusals_.rbegin(); each != refusals_.rend(); ++each)
    if (may_see(caller, each->owner)) found.push_back(*each);
  return found;
}

Result<Admitted> Admission::admit(const Caller& caller, std::string_view model) {
  const Verdict verdict = TRY(store_.take(draws(caller, model)));
  if (verdict.admitted) return Admitted{.figures = figures_of(verdict)};
  const std::lock_guard lock(mutex_);
  return answer_of(verdict, caller.owner, std::string(model));
}

Result<Admission::Place> Admission::queue(const Caller& caller, std::string_view model,
                                          std::function<void()> on_turn) {
  const std::lock_guard lock(mutex_);
  const WaitingRoom::Ticket ticket = TRY(room_.enter(caller.owner.key_id, draws(caller, model)));
  turns_[ticket].on_turn = std::move(on_turn);
  return Place(*this, ticket, caller.owner, std::string(model),
               clock_.monotonic_ms() + policy_.wait_ms_max);
}

std::optional<std::int64_t> Admission::run_round() {
  auto round = room_.admit([this](std::span<const Draw> wanted) { return store_.take(wanted); });
  for (WaitingRoom::Admitted& each : round.admitted) {
    Turn& turn = turns_[each.ticket];
    turn.verdict = std::move(each.verdict);
    if (turn.on_turn) std::exchange(turn.on_turn, nullptr)();
  }
  return round.wait_ms;
}

Admission::Place::Place(Place&& other) noexcept
    : admission_(std::exchange(other.admission_, nullptr)),
      ticket_(other.ticket_),
      owner_(std::move(other.owner_)),
      model_(std::move(other.model_)),
      until_ms_(other.until_ms_),
      wait_ms_(other.wait_ms_) {}

Admission::Place::~Place() {
  if (admission_ == nullptr) return;
  const std::lock_guard lock(admission_->mutex_);
  admission_->room_.leave(ticket_);
  admission_->turns_.erase(ticket_);
}

Result<std::optional<Admitted>> Admission::Place::look() {
  const std::lock_guard lock(admission_->mutex_);
  Turn& turn = admission_->turns_.at(ticket_);
  auto on_turn = std::exchange(turn.on_turn, nullptr);  // who looks needs no call
  const auto round_ms = turn.verdict ? std::nullopt : admission_->run_round();
  if (turn.verdict) {
    const Verdict verdict = TRY(std::move(*turn.verdict));
    return std::optional(admission_->answer_of(verdict, owner_, model_));
  }
  const std::int64_t left_ms = until_ms_ - admission_->clock_.monotonic_ms();
  if (left_ms <= 0) {
    Error late{.code = ErrorCode::resource_exhausted,
               .message = fmt::format("Too many requests are waiting for {}.", subject_of(model_)),
               .retry_after_ms = round_ms.value_or(0)};
    admission_->note(owner_, model_, late);
    return std::optional(Admitted{.refusal = std::move(late)});
  }
  turn.on_turn = std::move(on_turn);
  wait_ms_ = std::min(left_ms, round_ms.value_or(left_ms));
  return std::optional<Admitted>();
}

Reservation Admission::reservation(const Caller& caller, Charge charge) const {
  Reservation reservation;
  charge.policy = policy_.charge_policy;
  add_quotas(fmt::format("key:{}", caller.owner.key_id), caller.allowance, reservation.quotas);
  add_team_quotas(fmt::format("team:{}", caller.owner.team_id), policy_.team, reservation.quotas);
  if (!charge.user.empty())
    add_quotas(fmt::format("user:{}/{}", caller.owner.team_id, charge.user), policy_.user,
               reservation.quotas);
  reservation.charge = std::move(charge);
  return reservation;
}

std::int64_t Admission::in_flight_max(const Caller& caller) const {
  return caller.allowance.in_flight.value_or(policy_.in_flight);
}

}  // namespace imagined::service

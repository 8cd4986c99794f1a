#include "service/limits/waiting_room.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace imagined::service {
namespace {

/// The buckets of the draws that have no room.
std::vector<std::string_view> spent_buckets(const std::vector<Draw>& draws,
                                            const Verdict& verdict) {
  std::vector<std::string_view> spent;
  std::size_t standing = 0;
  for (const Draw& draw : draws) {
    for (std::size_t rule = 0; rule < draw.rules.size(); ++rule, ++standing)
      if (verdict.standings[standing].remaining() < draw.units) spent.push_back(draw.bucket);
  }
  return spent;
}

}  // namespace

Result<WaitingRoom::Ticket> WaitingRoom::enter(std::string_view key, std::vector<Draw> draws) {
  const auto found = lines_.find(key);
  const std::size_t in_line = found == lines_.end() ? 0 : found->second.waiters.size();
  if (in_line >= options_.waiting_per_key_max || waiting_ >= options_.waiting_max)
    return fail(
        ErrorCode::resource_exhausted,
        fmt::format("too many requests are waiting: {} of this key, {} in all", in_line, waiting_));
  std::int64_t units = 1;
  for (const Draw& draw : draws) units = std::max(units, draw.units);
  Line& line = found == lines_.end() ? lines_[std::string(key)] : found->second;
  if (line.waiters.empty()) line.start = std::max(line.start, served_);
  line.waiters.push_back({.ticket = ++last_ticket_, .draws = std::move(draws), .units = units});
  ++waiting_;
  return last_ticket_;
}

void WaitingRoom::leave(Ticket ticket) {
  for (auto& [key, line] : lines_)
    waiting_ -= std::erase_if(line.waiters,
                              [ticket](const Waiter& waiter) { return waiter.ticket == ticket; });
}

WaitingRoom::Lines::value_type* WaitingRoom::next_line(const std::vector<const Line*>& passed) {
  Lines::value_type* next = nullptr;
  const auto turn = [](const Line& line) {
    return std::pair(line.start, line.waiters.front().ticket);
  };
  for (auto& entry : lines_) {
    const Line& line = entry.second;
    if (line.waiters.empty() || std::ranges::find(passed, &line) != passed.end()) continue;
    if (next == nullptr || turn(line) < turn(next->second)) next = &entry;
  }
  return next;
}

WaitingRoom::Round WaitingRoom::admit(const Take& take) {
  Round round;
  std::set<std::string> blocked;  // buckets that have refused in this round
  std::vector<const Line*> passed;
  while (auto* next = next_line(passed)) {
    Line& line = next->second;
    Waiter& first = line.waiters.front();
    const bool must_wait = std::ranges::any_of(
        first.draws, [&](const Draw& draw) { return blocked.contains(draw.bucket); });
    if (must_wait) {
      passed.push_back(&line);
      continue;
    }
    auto verdict = take(first.draws);
    if (verdict && !verdict->admitted && verdict->wait_ms) {
      for (const std::string_view bucket : spent_buckets(first.draws, *verdict))
        blocked.emplace(bucket);
      round.wait_ms = std::min(round.wait_ms.value_or(*verdict->wait_ms), *verdict->wait_ms);
      passed.push_back(&line);
      continue;
    }
    if (verdict && verdict->admitted) {
      served_ = std::max(served_, line.start);
      line.start += first.units;
    }
    round.admitted.push_back({.ticket = first.ticket, .verdict = std::move(verdict)});
    line.waiters.pop_front();
    --waiting_;
  }
  std::erase_if(lines_, [this](const auto& entry) {
    return entry.second.waiters.empty() && entry.second.start <= served_;
  });
  return round;
}

}  // namespace imagined::service

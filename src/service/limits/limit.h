// How often something may be asked: rules over buckets, one decision over several of them, and what
// a reply tells its client of it.
//
//   const Draw draws[] = {{.bucket = "key:Ab3 model:grok-imagine-image",
//                          .rules = {{"rps", {5, 1'000}}, {"rpm", {300, 60'000}}}}};
//   const Verdict verdict = TRY(store.take(draws));
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "service/limits/hit_log.h"

namespace imagined::service {

/// `Retry-After` is never longer: clients drop longer ones or give up.
inline constexpr std::int64_t kRetryAfterSecondsMax = 60;

enum class LimitUnit : std::uint8_t { requests, pictures };

struct LimitRule {
  std::string name;  // as in the header RateLimit-Policy: "rps", "rpm", "ppm"
  Window window;
  LimitUnit unit = LimitUnit::requests;
};

/// Units out of one bucket. All rules of a bucket count the same hits.
struct Draw {
  std::string bucket;  // whose, and of what; at most kBucketBytesMax bytes
  std::vector<LimitRule> rules;
  std::int64_t units = 1;  // 0: only looks
};

inline constexpr std::size_t kBucketBytesMax = 1024;

/// How one rule stands after a decision.
struct Standing {
  LimitRule rule;
  std::int64_t used = 0;
  std::int64_t full_ms = 0;  // until nothing is counted any more

  std::int64_t remaining() const { return rule.window.limit - used; }
};

struct Verdict {
  bool admitted = true;
  // Refused: until the same draws would pass if nobody else drew; none: never, they want more
  // units at once than a limit allows.
  std::optional<std::int64_t> wait_ms;
  std::size_t draw = 0;             // refused: the draw and its rule that take longest
  std::size_t standing = 0;         // its place in `standings`
  std::vector<Standing> standings;  // of every rule of every draw, in their order
};

/// All or nothing: admitted when every rule of every draw has room. Writes nothing. `logs` are
/// those of the draws' buckets, in their order, and the standings count the draws if they are
/// admitted.
Verdict decide(std::span<const Draw> draws, std::span<const HitLog* const> logs,
               std::int64_t now_ms);

/// The longest window that a rule of the draw looks through: older hits need not be kept.
std::int64_t longest_window_ms(const Draw& draw);

/// What reply headers say (api/wire/limit_headers.h spells them). The classic families have room
/// for one rule: the one that would refuse the next request, or else the one with the longest
/// window.
struct LimitFigures {
  std::int64_t limit = 0;
  std::int64_t remaining = 0;  // never negative
  std::int64_t reset_ms = 0;   // until the rule counts nothing any more
  std::vector<Standing> rules;
};
LimitFigures figures_of(const Verdict& verdict);

/// Whole seconds, rounded up, 1 to kRetryAfterSecondsMax.
std::int64_t retry_after_s(std::int64_t wait_ms);

/// `resource_exhausted` when as many jobs as are allowed at the same time have not ended yet.
Result<void> check_in_flight(std::int64_t in_flight, std::int64_t in_flight_max);

/// The refusal in words: what was asked too often, the rule with its figures, when to come back.
/// `subject` is for example "this key and model grok-imagine-image".
Error limit_error(const Verdict& verdict, std::string_view subject);

}  // namespace imagined::service

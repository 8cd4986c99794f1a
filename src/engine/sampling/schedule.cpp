#include "engine/sampling/schedule.h"

#include <fmt/core.h>

#include <cmath>

#include "base/check.h"

namespace imagined::engine {
namespace {

/// 1, 1 - 1/n, ..., 1/n in double, as numpy's linspace rounds them.
std::vector<float> even_levels(int steps) {
  std::vector<float> levels(static_cast<std::size_t>(steps));
  const double last = 1.0 / steps;
  const double step = steps > 1 ? (last - 1.0) / (steps - 1) : 0.0;
  for (int i = 0; i < steps; ++i) {
    levels[static_cast<std::size_t>(i)] = static_cast<float>(i * step + 1.0);
  }
  levels.back() = static_cast<float>(steps > 1 ? last : 1.0);
  return levels;
}

float shifted(float u, const ScheduleOptions& options, double mu) {
  if (!options.dynamic_shifting) {
    const auto shift = static_cast<float>(options.shift);
    const auto less_one = static_cast<float>(options.shift - 1.0);
    return shift * u / (1.0f + less_one * u);
  }
  const auto weight =
      static_cast<float>(options.curve == ShiftCurve::exponential ? std::exp(mu) : mu);
  return weight / (weight + (1.0f / u - 1.0f));
}

Result<> check(const ScheduleOptions& options, int steps) {
  if (steps < 1) {
    return fail(ErrorCode::invalid_argument, fmt::format("{} steps: at least 1", steps), "steps");
  }
  if (!options.dynamic_shifting && !(options.shift > 0)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("scheduler shift {}: must be above 0", options.shift));
  }
  if (options.line && options.line->base_tokens == options.line->max_tokens) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("scheduler: base_image_seq_len and max_image_seq_len are both {}",
                            options.line->max_tokens));
  }
  if (!options.terminal) return {};
  if (!(*options.terminal > 0 && *options.terminal < 1)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("shift_terminal {}: must be between 0 and 1", *options.terminal));
  }
  if (steps == 1) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("1 step: a model with shift_terminal {} needs at least 2", *options.terminal),
        "steps");
  }
  return {};
}

}  // namespace

double flux2_mu(std::int64_t image_tokens, int steps) {
  CHECK(image_tokens > 0 && steps > 0, "mu of {} tokens and {} steps", image_tokens, steps);
  const auto tokens = static_cast<double>(image_tokens);
  const double at_200_steps = 0.00016927 * tokens + 0.45666666;
  if (image_tokens > 4300) return at_200_steps;
  const double at_10_steps = 8.73809524e-05 * tokens + 1.89833333;
  const double slope = (at_200_steps - at_10_steps) / 190.0;
  return slope * steps + (at_200_steps - 200.0 * slope);
}

double line_mu(const ShiftLine& line, std::int64_t image_tokens) {
  const double slope =
      (line.max_shift - line.base_shift) / static_cast<double>(line.max_tokens - line.base_tokens);
  return static_cast<double>(image_tokens) * slope +
         (line.base_shift - slope * static_cast<double>(line.base_tokens));
}

Result<std::vector<float>> make_schedule(const ScheduleOptions& options, std::int64_t image_tokens,
                                         int steps) {
  TRY(check(options, steps));
  double mu = 0;
  if (options.dynamic_shifting) {
    mu = options.line ? line_mu(*options.line, image_tokens) : flux2_mu(image_tokens, steps);
  }
  std::vector<float> levels = even_levels(steps);
  for (float& level : levels) level = shifted(level, options, mu);
  if (options.terminal) {
    const float scale = (1.0f - levels.back()) / static_cast<float>(1.0 - *options.terminal);
    for (float& level : levels) level = 1.0f - (1.0f - level) / scale;
  }
  levels.push_back(0.0f);
  return levels;
}

}  // namespace imagined::engine

// The noise levels that a picture passes through, from 1 (pure noise) to 0.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"

namespace imagined::engine {

/// How a shift bends the evenly spaced levels.
enum class ShiftCurve : std::uint8_t {
  exponential,  // e^mu / (e^mu + 1/u - 1)
  linear,       // mu / (mu + 1/u - 1)
};

/// A shift that grows on a line with the tokens of the picture (FLUX.1).
struct ShiftLine {
  double base_shift = 0.5;
  double max_shift = 1.15;
  std::int64_t base_tokens = 256;
  std::int64_t max_tokens = 4096;
};

/// The part of a flow-match Euler scheduler's configuration that shapes the levels.
struct ScheduleOptions {
  bool dynamic_shifting = false;  // use mu on `curve`, else `shift`
  std::optional<ShiftLine> line;  // where mu comes from; nothing: flux2_mu()
  double shift = 1;               // static: shift * u / (1 + (shift - 1) * u); 1 leaves u as it is
  ShiftCurve curve = ShiftCurve::exponential;
  std::optional<double> terminal;  // shift_terminal: the last level before 0, in (0, 1)
};

/// The empirical shift of FLUX.2 for `image_tokens` tokens of the finished picture (neither text
/// nor references) and `steps` steps. Jumps down between 4300 and 4301 tokens, as published.
/// Source: flux.md 4.2; diffusers, `compute_empirical_mu`.
double flux2_mu(std::int64_t image_tokens, int steps);

/// mu on a line through (base_tokens, base_shift) and (max_tokens, max_shift), without ends.
/// Source: flux.md 4.3; diffusers, `calculate_shift`.
double line_mu(const ShiftLine& line, std::int64_t image_tokens);

/// steps + 1 levels, falling from 1 to exactly 0.
///
/// u_i = 1 - i / steps in f32, then the shift, then the stretch to `terminal`; all in f32, in the
/// order of the reference, so that levels agree to the last bit or two.
/// `invalid_argument` for fewer than one step, for a shift that is not positive, for a terminal
/// outside (0, 1), and for a terminal with one step: the single level is 1 and can't be stretched
/// (the reference divides 0 by 0 there).
/// Source: flux.md 4.1; diffusers, `FlowMatchEulerDiscreteScheduler.set_timesteps`.
Result<std::vector<float>> make_schedule(const ScheduleOptions& options, std::int64_t image_tokens,
                                         int steps);

}  // namespace imagined::engine

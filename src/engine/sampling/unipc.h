// UniPC: a predictor of the next latents from two velocities, and a corrector of what it predicted.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/backend/context.h"

namespace imagined::engine {

/// The noise levels of a run, and what the network is told of them.
struct UniPcSchedule {
  std::vector<float> levels;  // steps + 1, falling to exactly 0
  std::vector<float> times;   // of each step: whole timesteps, as shares of all of them
};

/// u = 1 falling evenly towards 1 / train_timesteps, of which the last is left out; then the shift,
/// shift * u / (1 + (shift - 1) * u), in double. A first level of 1 is lowered by 1e-6, for its
/// logarithm. `invalid_argument` for fewer than one step.
/// Source: diffusers, `UniPCMultistepScheduler.set_timesteps` with `use_flow_sigmas`.
Result<UniPcSchedule> make_unipc_schedule(double shift, double train_timesteps, int steps);

/// The state of one run; latents and velocities [rows, cols] f32.
///
/// With a = 1 - level, l = log(a / level) and x the data that a velocity points to, the predictor
/// goes from s to t with h = l_t - l_s along
///   (level_t / level_s) latents - a_t (e^-h - 1) (x_s + (x_before - x_s) / (2 r))
/// where r = (l_before - l_s) / h; in the first and the last step without the difference. The
/// corrector does the step once more with x_t known, with the weights of order two.
/// Source: Zhao et al. 2023, B(h) = e^h - 1 ("bh2"); diffusers, `UniPCMultistepScheduler` with
/// `solver_order` 2, `predict_x0` and `lower_order_final`.
class UniPc {
 public:
  explicit UniPc(std::vector<float> levels) : levels_(std::move(levels)) {}

  /// Takes the next step, in order.
  void step(const Context& context, ConstMatrixView velocity, MatrixView latents);

 private:
  double log_ratio(std::size_t index) const;
  void predict(const Context& context, MatrixView latents) const;
  void correct(const Context& context, MatrixView latents) const;

  std::vector<float> levels_;
  std::size_t step_ = 0;
  int order_ = 0;        // of the last prediction
  Tensor start_;         // latents that it began with
  Tensor data_, older_;  // what the last velocities pointed to
  Tensor now_;           // what the velocity in hand points to
};

}  // namespace imagined::engine

#include "engine/ops/timestep_embedding/timestep_embedding.h"

#include <cmath>

#include "base/check.h"

namespace imagined::engine {

void timestep_embedding(float value, std::span<float> out) {
  CHECK(!out.empty() && out.size() % 2 == 0, "timestep embedding of {} values", out.size());
  const std::size_t half = out.size() / 2;
  const auto log_period = static_cast<float>(-std::log(10000.0));
  for (std::size_t i = 0; i < half; ++i) {
    // The angle reaches 1000, where one unit in the last place of an f32 is 6e-5: exponent,
    // frequency and angle are therefore rounded exactly where the reference rounds them.
    const float exponent = log_period * static_cast<float>(i) / static_cast<float>(half);
    const auto frequency = static_cast<float>(std::exp(static_cast<double>(exponent)));
    const float angle = value * frequency;
    out[i] = static_cast<float>(std::cos(static_cast<double>(angle)));
    out[half + i] = static_cast<float>(std::sin(static_cast<double>(angle)));
  }
}

}  // namespace imagined::engine

#include "engine/ops/resize/lanczos_weights.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"

namespace imagined::engine {
namespace {

constexpr double kRadius = 3;

double sinc(double x) {
  if (x == 0.0) return 1.0;
  const double angle = x * std::numbers::pi;
  return std::sin(angle) / angle;
}

double lanczos(double x) {
  return x >= -kRadius && x < kRadius ? sinc(x) * sinc(x / kRadius) : 0.0;
}

std::int32_t to_fixed(double weight) {
  constexpr double kUnit = 1 << kLanczosBits;
  return static_cast<std::int32_t>(weight * kUnit + (weight < 0 ? -0.5 : 0.5));
}

}  // namespace

LanczosWeights make_lanczos_weights(int in_size, int out_size) {
  CHECK(in_size > 0 && out_size > 0, "resampling from {} to {}", in_size, out_size);
  const double ratio = static_cast<double>(in_size) / out_size;
  const double widening = std::max(ratio, 1.0);
  const double radius = kRadius * widening;
  LanczosWeights result;
  result.taps = 2 * static_cast<int>(std::ceil(radius)) + 1;
  const auto places = static_cast<std::size_t>(out_size);
  const auto taps = static_cast<std::size_t>(result.taps);
  result.first.resize(places);
  result.count.resize(places);
  result.weights.resize(places * taps);
  std::vector<double> exact(taps);
  for (std::size_t i = 0; i < places; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * ratio;
    const int first = std::max(0, static_cast<int>(centre - radius + 0.5));
    const int count = std::min(in_size, static_cast<int>(centre + radius + 0.5)) - first;
    const double step = 1.0 / widening;  // a product with the inverse, as Pillow: the last bit
    double sum = 0;
    for (int k = 0; k < count; ++k) {
      const double weight = lanczos((k + first - centre + 0.5) * step);
      exact[static_cast<std::size_t>(k)] = weight;
      sum += weight;
    }
    for (int k = 0; k < count; ++k) {
      double weight = exact[static_cast<std::size_t>(k)];
      if (sum != 0.0) weight /= sum;
      result.weights[i * taps + static_cast<std::size_t>(k)] = to_fixed(weight);
    }
    result.first[i] = first;
    result.count[i] = count;
  }
  return result;
}

}  // namespace imagined::engine

#pragma once

#include <cmath>
#include <vector>

namespace imagined::engine {

/// The weights of a Gaussian at -r, ..., r, which sum to 1; r = 2.5 sigma, rounded up.
inline std::vector<double> gaussian_weights(double sigma) {
  const int radius = static_cast<int>(std::ceil(2.5 * sigma));
  std::vector<double> weights;
  double sum = 0;
  for (int i = -radius; i <= radius; ++i) {
    weights.push_back(std::exp(-i * i / (2 * sigma * sigma)));
    sum += weights.back();
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

}  // namespace imagined::engine

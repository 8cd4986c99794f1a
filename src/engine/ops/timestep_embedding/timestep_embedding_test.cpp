#include "engine/ops/timestep_embedding/timestep_embedding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

namespace imagined::engine {
namespace {

/// flux.md 11.2. Around 750 an f32 angle is exact to 3e-5, and so are these.
TEST(TimestepEmbedding, HasThePublishedValuesAt750) {
  std::vector<float> values(256);
  timestep_embedding(750.0f, values);
  const std::pair<std::size_t, float> expected[] = {
      {0, -.666983f},  {1, .879756f},   {2, -.670084f},  {127, .996754f},
      {128, .745073f}, {129, .475425f}, {130, .742285f}, {255, .080508f}};
  for (const auto& [index, value] : expected) EXPECT_NEAR(values[index], value, 1e-5) << index;
}

TEST(TimestepEmbedding, HasThePublishedSumAndLengthAt750) {
  std::vector<float> values(256);
  timestep_embedding(750.0f, values);
  double sum = 0;
  double squares = 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum, 51.409885, 1e-4);
  EXPECT_NEAR(std::sqrt(squares), 11.313709, 1e-5);
}

TEST(TimestepEmbedding, OfZeroIsOnesThenZeros) {
  std::vector<float> values(6);
  timestep_embedding(0.0f, values);
  EXPECT_EQ(values, (std::vector<float>{1, 1, 1, 0, 0, 0}));
}

}  // namespace
}  // namespace imagined::engine

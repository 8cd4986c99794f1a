#include "engine/ops/timestep_embedding/timestep_embedding.h"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <utility>

#include "engine/ops/op_testing.h"

namespace imagined::engine {
namespace {
using namespace testing;  // NOLINT: the helpers of op_testing.h

Tensor embedded(float value, std::int64_t width) {
  Tensor out(1, width);
  timestep_embedding(std::array{value}, out);
  return out;
}

/// flux.md 11.2. Around 750 an f32 angle is exact to 3e-5, and so are these.
TEST(TimestepEmbedding, HasThePublishedValuesAt750) {
  const Tensor out = embedded(750.0f, 256);
  const std::pair<std::size_t, float> expected[] = {
      {0, -.666983f},  {1, .879756f},   {2, -.670084f},  {127, .996754f},
      {128, .745073f}, {129, .475425f}, {130, .742285f}, {255, .080508f}};
  for (const auto& [index, value] : expected)
    EXPECT_NEAR(out.values()[index], value, 1e-5) << index;
}

TEST(TimestepEmbedding, HasThePublishedSumAndLengthAt750) {
  const Tensor out = embedded(750.0f, 256);
  double sum = 0;
  double squares = 0;
  for (const double value : out.values()) {
    sum += value;
    squares += value * value;
  }
  EXPECT_NEAR(sum, 51.409885, 1e-4);
  EXPECT_NEAR(std::sqrt(squares), 11.313709, 1e-5);
}

TEST(TimestepEmbedding, OfZeroIsOnesThenZeros) {
  EXPECT_THAT(embedded(0.0f, 6).values(), ::testing::ElementsAre(1, 1, 1, 0, 0, 0));
}

/// An angle is the product of a value up to 1000 and a frequency whose exponent, up to ln 10000,
/// was rounded twice: its relative error is ln(10000) * 2^-23 + 2^-23 at most, and no cosine or
/// sine is steeper than 1. Rows of a frequency off by one would differ by whole units.
TEST(TimestepEmbedding, MatchesReferenceForSeveralValues) {
  constexpr std::array values = {1000.0f, 3.5f, 0.0f, 250.25f};
  OddMatrix actual(4, 34, DType::f32);
  OddMatrix expected(4, 34, DType::f32);
  timestep_embedding(values, actual.view());
  timestep_embedding_reference(values, expected.view());
  const double angle_error = 1000 * (std::log(10000.0) + 1) * 0x1p-23;
  expect_close(actual, expected, {.relative = 0x1p-23, .absolute = angle_error}, "embedding");
  EXPECT_TRUE(actual.surroundings_untouched());
}

}  // namespace
}  // namespace imagined::engine

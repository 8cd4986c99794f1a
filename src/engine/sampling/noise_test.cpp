#include "engine/sampling/noise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <vector>

namespace imagined::engine {
namespace {

std::vector<float> philox_values(std::uint64_t seed, std::uint64_t first, std::size_t count) {
  std::vector<float> values(count);
  normal_values(seed, first, values);
  return values;
}

/// FNV-1a over the bits of the values.
std::uint64_t fingerprint(const std::vector<float>& values) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const float value : values) {
    hash = (hash ^ std::bit_cast<std::uint32_t>(value)) * 0x100000001b3u;
  }
  return hash;
}

/// The fingerprints come from a second implementation, in Python's doubles.
TEST(NormalValues, AreTheSameBitsOnEveryMachine) {
  EXPECT_EQ(fingerprint(philox_values(0, 0, 100000)), 8542398746850337595u);
  EXPECT_EQ(fingerprint(philox_values(0x123456789abcdef0u, 0, 100000)), 13886330212224686529u);
}

/// Philox4x32-10 with key and counter zero gives 6627e8d5 e169c58d bc57ac4c 9b00dbd8 (Random123's
/// known answers); the values are Box and Muller's of these words by the library's functions.
TEST(NormalValues, FollowFromPhiloxsKnownAnswer) {
  const auto values = philox_values(0, 0, 4);
  const double words[] = {0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u};
  for (std::size_t i = 0; i < 4; i += 2) {
    const double radius = std::sqrt(-2.0 * std::log((words[i] + 0.5) / 4294967296.0));
    const double angle = 2.0 * 3.14159265358979323846 * words[i + 1] / 4294967296.0;
    EXPECT_FLOAT_EQ(values[i], static_cast<float>(radius * std::cos(angle)));
    EXPECT_FLOAT_EQ(values[i + 1], static_cast<float>(radius * std::sin(angle)));
  }
}

TEST(NormalValues, CanBeDrawnFromAnyPlace) {
  const auto all = philox_values(7, 0, 64);
  for (std::uint64_t first = 0; first < 9; ++first) {
    const auto part = philox_values(7, first, 21);
    EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + static_cast<long>(first)))
        << first;
  }
}

TEST(NormalValues, DifferFromSeedToSeed) {
  // Also where only the upper or only the lower half of the seed differs.
  const auto a = philox_values(1, 0, 8);
  EXPECT_NE(a, philox_values(2, 0, 8));
  EXPECT_NE(a, philox_values(1 | (std::uint64_t{1} << 32), 0, 8));
}

/// The n-th moment of a million samples deviates by sqrt(var / n): 1e-3 for the mean, 1.4e-3 for
/// the variance, 1e-2 for the fourth moment; five deviations are allowed.
TEST(NormalValues, HaveTheMomentsOfTheNormalDistribution) {
  const auto values = philox_values(42, 0, 1000000);
  double mean = 0, square = 0, cube = 0, fourth = 0;
  for (const double x : values) {
    mean += x;
    square += x * x;
    cube += x * x * x;
    fourth += x * x * x * x;
  }
  EXPECT_NEAR(mean / 1e6, 0, 5e-3);
  EXPECT_NEAR(square / 1e6, 1, 7e-3);
  EXPECT_NEAR(cube / 1e6, 0, 2e-2);
  EXPECT_NEAR(fourth / 1e6, 3, 5e-2);
}

/// Kolmogorov's distance of 100,000 samples stays below 1.95 / sqrt(n) in 999 of 1,000 samples.
TEST(NormalValues, AreDistributedNormallyThroughout) {
  auto values = philox_values(3, 0, 100000);
  std::sort(values.begin(), values.end());
  double distance = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double below = 0.5 * std::erfc(-static_cast<double>(values[i]) / std::sqrt(2.0));
    distance = std::max(distance, std::abs(below - (static_cast<double>(i) + 0.5) / 1e5));
  }
  EXPECT_LT(distance, 1.95 / std::sqrt(1e5));
}

/// flux.md 3.3, from PyTorch itself.
TEST(TorchNormalValues, HaveThePublishedValuesOfSeed0) {
  std::vector<float> values(16);
  torch_normal_values(0, values);
  const float expected[] = {-1.1258398f, -1.1523602f, -0.2505786f, -0.4338788f};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(values[i], expected[i], 3e-7f) << i;
}

TEST(TorchNormalValues, HaveThePublishedValuesOfSeed42) {
  std::vector<float> values(128 * 64 * 64);
  torch_normal_values(42, values);
  const float expected[] = {1.9269f, 1.4873f, 0.9007f, -2.1055f, 0.6784f, -1.2345f};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(values[i], expected[i], 5.1e-5f) << i;
}

/// torch.manual_seed(5); torch.randn(19): the last 16 are drawn anew.
TEST(TorchNormalValues, RedrawTheLast16OfAnOddCount) {
  std::vector<float> values(19);
  torch_normal_values(5, values);
  const std::vector<float> expected = {1.84232986f,   0.518887162f,  -1.71192133f, -0.965060174f,
                                       -0.129662678f, -0.601765633f, 0.144998565f, -0.149827167f,
                                       2.61457705f,   -0.434022963f, 0.352335453f, -2.03049517f,
                                       1.48293233f,   0.494038075f,  0.249218777f, 1.74703145f,
                                       0.744776964f,  0.0316568948f, -1.1724143f};
  ASSERT_EQ(expected.size(), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-6f) << i;
}

/// torch.manual_seed(5); torch.randn(5): fewer than 16 are drawn pair by pair in double.
TEST(TorchNormalValues, DrawFewValuesInPairs) {
  std::vector<float> values(5);
  torch_normal_values(5, values);
  const std::vector<float> expected = {-0.486780763f, -0.603821576f, -0.55809623f, 0.667524278f,
                                       -0.197415099f};
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], 1e-6f) << i;
}

/// torch.manual_seed(2**40 + 9) seeds its generator with the lower 32 bits.
TEST(TorchNormalValues, UseTheLower32BitsOfTheSeed) {
  std::vector<float> values(16), low(16);
  torch_normal_values((std::uint64_t{1} << 40) + 9, values);
  torch_normal_values(9, low);
  EXPECT_EQ(values, low);
}

TEST(MakeNoise, DrawsChannelAfterChannel) {
  const auto sequence = philox_values(11, 0, 2 * 3 * 5);
  const Tensor noise = make_noise(11, 5, 2, 3, 1);
  ASSERT_EQ(noise.rows(), 6);
  ASSERT_EQ(noise.cols(), 5);
  for (std::int64_t t = 0; t < 6; ++t) {
    for (std::int64_t c = 0; c < 5; ++c) {
      EXPECT_EQ(noise.row(t)[c], sequence[static_cast<std::size_t>(c * 6 + t)]);
    }
  }
}

TEST(MakeNoise, GoesOnInTheSequenceOfItsSeed) {
  const auto sequence = philox_values(11, 3 * 30, 30);
  const Tensor noise = make_noise(11, 5, 2, 3, 1, 3);
  for (std::int64_t t = 0; t < 6; ++t)
    for (std::int64_t c = 0; c < 5; ++c)
      EXPECT_EQ(noise.row(t)[c], sequence[static_cast<std::size_t>(c * 6 + t)]);
}

TEST(TokensOfPlanes, FoldsSquaresIntoChannels) {
  // Two planes of 2 x 4 latents: two tokens of 8 numbers side by side.
  std::vector<float> planes(16);
  std::iota(planes.begin(), planes.end(), 0.0f);
  const Tensor tokens = tokens_of_planes(planes, 8, 1, 2, 2);
  EXPECT_THAT(std::vector<float>(tokens.row(0), tokens.row(0) + 8),
              testing::ElementsAre(0, 1, 4, 5, 8, 9, 12, 13));
  EXPECT_THAT(std::vector<float>(tokens.row(1), tokens.row(1) + 8),
              testing::ElementsAre(2, 3, 6, 7, 10, 11, 14, 15));
}

}  // namespace
}  // namespace imagined::engine

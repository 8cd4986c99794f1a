#include "engine/sampling/dmd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "engine/sampling/noise.h"

namespace imagined::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;

constexpr float kFastWan[] = {1.0f, 0.757f, 0.522f};

// 5 * 0.384 / (1 + 4 * 0.384) and 5 * 0.179 / (1 + 4 * 0.179) are the nearest of 1,000.
TEST(DmdLevels, OfFastWanAreThoseItWasTrainedWith) {
  EXPECT_THAT(dmd_levels(kFastWan, 5, 1000),
              ElementsAre(1.0f, FloatEq(0.75709779f), FloatEq(0.52156177f), 0.0f));
}

TEST(DmdLevels, WithoutShiftAreTheTimes) {
  EXPECT_THAT(dmd_levels(kFastWan, 1, 1000),
              ElementsAre(1.0f, FloatEq(0.757f), FloatEq(0.522f), 0.0f));
}

Tensor random_rows(std::uint64_t seed) { return make_noise(seed, 7, 5, 3, 1); }

// Beside the slow twin, in double: five roundings of numbers up to the sum of all shares.
TEST(DmdStep, AgreesWithTheSlowTwin) {
  const float sigma = 0.75709779f;
  const float next = 0.52156177f;
  const Tensor velocity = random_rows(1);
  const Tensor noise = random_rows(2);
  const Tensor before = random_rows(3);
  Tensor latents = random_rows(3);
  dmd_step(Context({.threads = 2}), velocity, sigma, next, noise, latents);
  for (std::size_t i = 0; i < latents.values().size(); ++i) {
    const double s = sigma;
    const double t = next;
    const double x = before.values()[i];
    const double v = velocity.values()[i];
    const double fresh = noise.values()[i];
    const double size = std::abs(x) + s * std::abs(v) + t * std::abs(fresh);
    EXPECT_NEAR(latents.values()[i], (1 - t) * (x - s * v) + t * fresh,
                5 * size * std::numeric_limits<float>::epsilon() / 2);
  }
}

TEST(DmdStep, ToLevel0IsWhereTheVelocityPointsWithoutNoise) {
  const Tensor velocity = random_rows(1);
  const Tensor before = random_rows(3);
  Tensor latents = random_rows(3);
  dmd_step(Context({.threads = 1}), velocity, 0.5f, 0, Tensor(), latents);
  for (std::size_t i = 0; i < latents.values().size(); ++i)
    EXPECT_EQ(latents.values()[i], before.values()[i] - 0.5f * velocity.values()[i]);
}

/// x = (1 - sigma) picture + sigma noise has the velocity noise - picture at every level.
TEST(DmdStep, WithTheTrueVelocityEndsInThePictureWhateverTheNoise) {
  const Context context({.threads = 1});
  const std::vector<float> levels = dmd_levels(kFastWan, 5, 1000);
  const float picture = 1.5f;
  Tensor noise = random_rows(10);
  Tensor latents = random_rows(10);
  for (std::size_t step = 0; step < 3; ++step) {
    Tensor velocity(noise.rows(), noise.cols());
    for (std::size_t i = 0; i < velocity.values().size(); ++i)
      velocity.values()[i] = noise.values()[i] - picture;
    noise = random_rows(11 + step);
    dmd_step(context, velocity, levels[step], levels[step + 1], noise, latents);
  }
  for (const float value : latents.values()) EXPECT_NEAR(value, picture, 1e-5f);
}

}  // namespace
}  // namespace imagined::engine

#include "engine/sampling/euler.h"

#include <gtest/gtest.h>

namespace imagined::engine {
namespace {

Tensor filled(std::int64_t rows, std::int64_t cols, float value) {
  Tensor tensor(rows, cols);
  for (float& element : tensor.values()) element = value;
  return tensor;
}

TEST(EulerStep, MovesAgainstTheVelocityAsTheLevelFalls) {
  Tensor latents = filled(3, 7, 2.0f);
  euler_step(Context({.threads = 1}), filled(3, 7, 4.0f), 0.75f, 0.5f, latents);
  for (const float value : latents.values()) EXPECT_EQ(value, 1.0f);  // 2 - 0.25 * 4
}

TEST(EulerStep, WithTheTrueVelocityEndsInThePicture) {
  // x = (1 - sigma) picture + sigma noise has the velocity noise - picture at every level.
  Tensor latents = filled(2, 3, 5.0f);  // the noise
  const Tensor velocity = filled(2, 3, 5.0f - 1.5f);
  const float levels[] = {1.0f, 0.9f, 0.75f, 0.5f, 0.0f};
  for (int i = 0; i < 4; ++i) {
    euler_step(Context({.threads = 1}), velocity, levels[i], levels[i + 1], latents);
  }
  for (const float value : latents.values()) EXPECT_NEAR(value, 1.5f, 1e-6f);
}

TEST(Guide, GoesFromTheEmptyPromptBeyondThePrompt) {
  Tensor without = filled(3, 5, 1.0f);
  guide(Context({.threads = 2}), filled(3, 5, 3.0f), 4.0f, without);
  for (const float value : without.values()) EXPECT_EQ(value, 9.0f);  // 1 + 4 * (3 - 1)
}

TEST(Guide, OfOneIsTheVelocityUnderThePrompt) {
  Tensor without = filled(3, 5, 1.0f);
  guide(Context({.threads = 1}), filled(3, 5, 3.0f), 1.0f, without);
  for (const float value : without.values()) EXPECT_EQ(value, 3.0f);
}

}  // namespace
}  // namespace imagined::engine

#include "engine/sampling/unipc.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <vector>

namespace imagined::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;

// Of diffusers 0.42.1, flow_shift 5.
TEST(UniPcSchedule, HasThePublishedLevelsAndWholeTimesteps) {
  const auto schedule = make_unipc_schedule(5, 1000, 4);
  ASSERT_TRUE(schedule.has_value());
  EXPECT_THAT(schedule->levels,
              ElementsAre(FloatEq(0.9999989867210388f), FloatEq(0.9375780820846558f),
                          FloatEq(0.8336109519004822f), FloatEq(0.6259360909461975f), 0.0f));
  EXPECT_THAT(schedule->times,
              ElementsAre(FloatEq(0.999f), FloatEq(0.937f), FloatEq(0.833f), FloatEq(0.625f)));
}

TEST(UniPcSchedule, OfNoStepsIsRefused) {
  const auto schedule = make_unipc_schedule(5, 1000, 0);
  ASSERT_FALSE(schedule.has_value());
  EXPECT_EQ(schedule.error().field, "steps");
}

/// Takes all steps from a start of 1 with the velocity of one number at each level; returns the
/// end.
double run(int steps, const std::function<double(double latent, double level)>& velocity) {
  const Context context({.threads = 1});
  const std::vector<float> levels = make_unipc_schedule(1, 1000, steps)->levels;
  UniPc solver(levels);
  Tensor latents(1, 1);
  latents.row(0)[0] = 1;
  Tensor slope(1, 1);
  for (int step = 0; step < steps; ++step) {
    slope.row(0)[0] =
        static_cast<float>(velocity(latents.row(0)[0], levels[static_cast<std::size_t>(step)]));
    solver.step(context, slope, latents);
  }
  return latents.row(0)[0];
}

/// Whatever the number of steps: velocities that always point to the same data leave no difference
/// to correct. f32 rounds each of the sums.
TEST(UniPc, ReachesDataThatNeverChange) {
  for (const int steps : {1, 2, 3, 8})
    EXPECT_NEAR(run(steps, [](double latent, double level) { return (latent - 0.25) / level; }),
                0.25, 1e-5)
        << steps;
}

/// v = a x along the flow from level 1 to 0: x(0) = e^-a. An order more than Euler's halves the
/// step and quarters the error; 6 leaves room for the two steps of order one.
TEST(UniPc, ConvergesFasterThanEuler) {
  const auto error = [](int steps) {
    return std::abs(run(steps, [](double latent, double) { return 0.5 * latent; }) -
                    std::exp(-0.5));
  };
  const auto euler = [](int steps) {
    return std::abs(std::pow(1 - 0.5 / steps, steps) - std::exp(-0.5));
  };
  EXPECT_LT(error(20), euler(20) / 6);
}

}  // namespace
}  // namespace imagined::engine

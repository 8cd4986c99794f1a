#include "engine/sampling/schedule.h"

#include <gtest/gtest.h>

namespace imagined::engine {
namespace {

constexpr ScheduleOptions kFlux2{.dynamic_shifting = true, .shift = 3.0};

struct Row {
  std::int64_t tokens;
  int steps;
  double mu;
  std::vector<float> levels;  // the first of them; empty where the table has none
};

/// flux.md 4.2, from the reference itself; mu is given to 6 places.
class PublishedSchedule : public ::testing::TestWithParam<Row> {};

TEST_P(PublishedSchedule, HasTheSameMu) {
  EXPECT_NEAR(flux2_mu(GetParam().tokens, GetParam().steps), GetParam().mu, 5.1e-7);
}

TEST_P(PublishedSchedule, HasTheSameLevels) {
  const auto levels = make_schedule(kFlux2, GetParam().tokens, GetParam().steps);
  ASSERT_TRUE(levels);
  ASSERT_EQ(levels->size(), static_cast<std::size_t>(GetParam().steps) + 1);
  for (std::size_t i = 0; i < GetParam().levels.size(); ++i) {
    EXPECT_NEAR((*levels)[i], GetParam().levels[i], 5.1e-7) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, PublishedSchedule,
    ::testing::Values(Row{256, 4, 1.965567, {1, .955391f, .877134f, .704112f, 0}},
                      Row{1024, 4, 2.030690, {1, .958085f, .883982f, .717497f, 0}},
                      Row{2304, 4, 2.139227, {1, .962234f, .894658f, .738969f, 0}},
                      Row{4080, 4, 2.289823, {}},
                      Row{4096, 4, 2.291180, {1, .967384f, .908144f, .767200f, 0}},
                      Row{9216, 4, 2.016659, {1, .957518f, .882535f, .714644f, 0}},
                      Row{16384, 4, 3.229986, {1, .986986f, .961947f, .893915f, 0}},
                      Row{4096, 28, 2.151443, {}}, Row{4096, 50, 2.023351, {1, .997309f, .994521f}},
                      Row{1024, 50, 1.701956, {}}, Row{4, 4, 1.944199, {1, .954471f, .874813f}}));

TEST(FluxMu, FallsBetween4300And4301Tokens) {
  EXPECT_NEAR(flux2_mu(4300, 4), 2.308, 5e-4);
  EXPECT_NEAR(flux2_mu(4301, 4), 1.185, 5e-4);
}

TEST(Schedule, EndsAtTheLastPublishedLevelsOf50Steps) {
  const auto levels = make_schedule(kFlux2, 4096, 50);
  ASSERT_TRUE(levels);
  EXPECT_NEAR((*levels)[48], .239631f, 5.1e-7);
  EXPECT_NEAR((*levels)[49], .133719f, 5.1e-7);
  EXPECT_EQ((*levels)[50], 0.0f);
}

TEST(Schedule, WithoutShiftFallsEvenly) {
  const auto levels = make_schedule({.shift = 1.0}, 256, 4);
  ASSERT_TRUE(levels);
  EXPECT_EQ(*levels, (std::vector<float>{1, .75f, .5f, .25f, 0}));
}

/// 3 u / (1 + 2 u): the levels of Paperland.
TEST(Schedule, WithStaticShiftIgnoresTheNumberOfTokens) {
  const auto levels = make_schedule({.shift = 3.0}, 64, 4);
  ASSERT_TRUE(levels);
  const float expected[] = {1.0f, .9f, .75f, .5f, 0.0f};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR((*levels)[i], expected[i], 1e-7f) << i;
  EXPECT_EQ(*levels, *make_schedule({.shift = 3.0}, 4096, 4));
}

/// mu / (mu + 1/u - 1) with mu = 1.944199 of 4 tokens.
TEST(Schedule, OnTheLinearCurveUsesMuItself) {
  const auto levels = make_schedule({.dynamic_shifting = true, .curve = ShiftCurve::linear}, 4, 4);
  ASSERT_TRUE(levels);
  EXPECT_NEAR((*levels)[1], 1.944199 / (1.944199 + 1.0 / 0.75 - 1.0), 1e-6);
  EXPECT_NEAR((*levels)[3], 1.944199 / (1.944199 + 3.0), 1e-6);
}

TEST(Schedule, StretchesToTheTerminalLevel) {
  const auto plain = make_schedule(kFlux2, 48, 4);
  ScheduleOptions options = kFlux2;
  options.terminal = 0.02;
  const auto levels = make_schedule(options, 48, 4);
  ASSERT_TRUE(levels);
  EXPECT_EQ((*levels)[0], 1.0f);
  EXPECT_NEAR((*levels)[3], 0.02f, 1e-6f);
  EXPECT_NEAR((*levels)[1], 1.0 - (1.0 - (*plain)[1]) * 0.98 / (1.0 - (*plain)[3]), 1e-6);
  EXPECT_EQ((*levels)[4], 0.0f);
}

TEST(Schedule, RefusesOneStepWithATerminalLevel) {
  const auto levels = make_schedule({.shift = 1.0, .terminal = 0.02}, 256, 1);
  ASSERT_FALSE(levels);
  EXPECT_EQ(levels.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(levels.error().message.find("shift_terminal"), std::string::npos);
}

TEST(Schedule, OfOneStepGoesFromNoiseToPicture) {
  const auto levels = make_schedule(kFlux2, 256, 1);
  ASSERT_TRUE(levels);
  EXPECT_EQ(*levels, (std::vector<float>{1, 0}));
}

TEST(Schedule, RefusesNoSteps) { EXPECT_FALSE(make_schedule(kFlux2, 256, 0)); }

TEST(Schedule, RefusesAShiftOfZero) { EXPECT_FALSE(make_schedule({.shift = 0.0}, 256, 4)); }

TEST(Schedule, RefusesATerminalLevelOfOne) {
  EXPECT_FALSE(make_schedule({.shift = 1.0, .terminal = 1.0}, 256, 4));
}

TEST(LineMu, IsThatOfTheReference) {  // flux.md 4.3
  EXPECT_NEAR(line_mu({}, 1024), 0.63, 1e-9);
  EXPECT_NEAR(line_mu({}, 4080), 1.147292, 1e-6);
  EXPECT_NEAR(line_mu({}, 4096), 1.15, 1e-9);
  EXPECT_NEAR(line_mu({}, 16384), 3.23, 1e-9);
}

TEST(Schedule, FollowsALineWhereOneIsGiven) {
  const auto levels = make_schedule({.dynamic_shifting = true, .line = ShiftLine{}}, 4096, 28);
  ASSERT_TRUE(levels.has_value());
  EXPECT_EQ((*levels)[0], 1.0f);
  EXPECT_NEAR((*levels)[1], .988409, 1e-6);
  EXPECT_NEAR((*levels)[2], .976222, 1e-6);
}

TEST(Schedule, RefusesALineThroughOnePoint) {
  const ShiftLine point{.base_tokens = 256, .max_tokens = 256};
  EXPECT_FALSE(make_schedule({.dynamic_shifting = true, .line = point}, 64, 4).has_value());
}

}  // namespace
}  // namespace imagined::engine

#include "engine/backend/cpu/quantise/quantise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "engine/tensor/each_target_testing.h"

namespace imagined::engine {
namespace {

/// Repeatable numbers in [-3, 3] of any size of fraction.
std::vector<float> some_numbers(std::size_t count) {
  std::vector<float> numbers;
  for (std::size_t i = 0; i < count; ++i) {
    numbers.push_back(3 * std::sin(static_cast<float>(i * i + 1)));
  }
  return numbers;
}

/// One plain loop.
Quantised expected(const std::vector<float>& in, Levels levels, std::vector<std::uint8_t>& out) {
  float largest = 0;
  for (const float value : in) largest = std::max(largest, std::abs(value));
  Quantised all{.factor = largest / static_cast<float>(levels.largest)};
  out.clear();
  for (const float value : in) {
    const int whole =
        static_cast<int>(std::nearbyint(value * (static_cast<float>(levels.largest) / largest)));
    all.sum += whole;
    out.push_back(static_cast<std::uint8_t>(whole + levels.zero_point));
  }
  return all;
}

TEST(Quantise, IsThePlainLoopToTheBitForAnyLength) {
  testing::on_each_target([](const std::string& target) {
    for (const std::size_t count : {1u, 3u, 4u, 15u, 16u, 17u, 33u, 64u, 300u}) {
      std::vector<float> numbers = some_numbers(count);
      std::vector<Bf16> halves;
      for (float& value : numbers) {
        halves.push_back(to_bf16(value));
        value = to_float(halves.back());
      }
      for (const Levels levels : {Levels{}, Levels{.zero_point = 128}, Levels{63, 0}}) {
        std::vector<std::uint8_t> want;
        const Quantised all = expected(numbers, levels, want);
        std::vector<std::uint8_t> got(count), of_halves(count);
        const auto n = static_cast<std::int64_t>(count);
        const Quantised one = quantise(numbers.data(), n, levels, got.data());
        const Quantised two = quantise(halves.data(), n, levels, of_halves.data());
        ASSERT_EQ(got, want) << target << " " << count;
        ASSERT_EQ(of_halves, want) << target << " " << count;
        for (const Quantised& made : {one, two}) {
          ASSERT_EQ(made.factor, all.factor) << target << " " << count;
          ASSERT_EQ(made.sum, all.sum) << target << " " << count;
        }
      }
    }
  });
}

TEST(Quantise, GivesTheLargestMagnitudeTheLargestWholeNumber) {
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const float numbers[] = {0.5f + 0.001f * static_cast<float>(i), 0.25f};
    std::uint8_t out[2];
    EXPECT_NEAR(127 * quantise(numbers, 2, {}, out).factor, numbers[0], 0x1p-23 * numbers[0]);
    EXPECT_EQ(out[0], 127);
  }
}

TEST(Quantise, MakesNothingOfNumbersTooSmallToDivideBy) {
  const float numbers[] = {0x1p-120f, -0x1p-140f, 0};
  std::uint8_t out[3];
  const Quantised all = quantise(numbers, 3, {.zero_point = 128}, out);
  EXPECT_EQ(all.factor, 0);
  EXPECT_EQ(all.sum, 0);
  for (const std::uint8_t byte : out) EXPECT_EQ(byte, 128);
}

TEST(Quantise, SaysByItsFactorThatANumberIsNotFinite) {
  testing::on_each_target([](const std::string& target) {
    for (const float special :
         {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
      for (std::size_t place = 0; place < 37; ++place) {
        std::vector<float> numbers = some_numbers(37);
        numbers[place] = special;
        std::vector<std::uint8_t> out(37);
        const Quantised all = quantise(numbers.data(), 37, {}, out.data());
        EXPECT_TRUE(std::isnan(all.factor)) << target;
        EXPECT_EQ(out, std::vector<std::uint8_t>(37)) << target;
      }
    }
  });
}

}  // namespace
}  // namespace imagined::engine

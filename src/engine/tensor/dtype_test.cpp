#include "engine/tensor/dtype.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace imagined::engine {
namespace {

float from_bits(std::uint32_t bits) { return std::bit_cast<float>(bits); }

TEST(Bf16, EveryValueSurvivesTheWayThroughF32) {
  for (std::uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const float wide = to_float(Bf16{static_cast<std::uint16_t>(bits)});
    if (std::isnan(wide)) continue;
    ASSERT_EQ(to_bf16(wide).bits, bits);
  }
}

TEST(Bf16, RoundsToNearestAndTiesToEven) {
  EXPECT_EQ(to_bf16(from_bits(0x3f807fff)).bits, 0x3f80);  // just below half way
  EXPECT_EQ(to_bf16(from_bits(0x3f808000)).bits, 0x3f80);  // half way: to the even one below
  EXPECT_EQ(to_bf16(from_bits(0x3f808001)).bits, 0x3f81);  // just above half way
  EXPECT_EQ(to_bf16(from_bits(0x3f818000)).bits, 0x3f82);  // half way: to the even one above
  EXPECT_EQ(to_bf16(from_bits(0xbf818000)).bits, 0xbf82);
}

TEST(Bf16, OverflowsToInfinityAndKeepsNan) {
  EXPECT_EQ(to_bf16(std::numeric_limits<float>::max()).bits, 0x7f80);
  EXPECT_EQ(to_bf16(-std::numeric_limits<float>::infinity()).bits, 0xff80);
  EXPECT_TRUE(std::isnan(to_float(to_bf16(std::numeric_limits<float>::quiet_NaN()))));
  EXPECT_TRUE(std::isnan(to_float(to_bf16(from_bits(0x7f800001)))));  // payload in the low half
}

TEST(Half, WidensTheNumbersOfTheStandard) {
  EXPECT_EQ(half_to_float(0x0000), 0.0f);
  EXPECT_TRUE(std::signbit(half_to_float(0x8000)));
  EXPECT_EQ(half_to_float(0x3c00), 1.0f);
  EXPECT_EQ(half_to_float(0xc000), -2.0f);
  EXPECT_EQ(half_to_float(0x7bff), 65504.0f);  // the largest
  EXPECT_EQ(half_to_float(0x0400), 0x1p-14f);  // the smallest normal one
  EXPECT_EQ(half_to_float(0x0001), 0x1p-24f);  // the smallest of all
  EXPECT_EQ(half_to_float(0x83ff), -1023 * 0x1p-24f);
  EXPECT_TRUE(std::isinf(half_to_float(0x7c00)));
  EXPECT_TRUE(std::isnan(half_to_float(0x7e01)));
}

TEST(DType, KnowsItsSizeAndItsNameInFiles) {
  EXPECT_EQ(size_bytes(DType::f32), 4u);
  EXPECT_EQ(size_bytes(DType::bf16), 2u);
  EXPECT_EQ(size_bytes(DType::f16), 2u);
  EXPECT_EQ(size_bytes(DType::i64), 8u);
  EXPECT_EQ(size_bytes(DType::other), 0u);
  EXPECT_EQ(name(DType::bf16), "BF16");
  EXPECT_EQ(name(DType::boolean), "BOOL");
}

}  // namespace
}  // namespace imagined::engine

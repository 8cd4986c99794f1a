#include "base/utf8.h"

#include <gtest/gtest.h>

namespace imagined {
namespace {

std::optional<char32_t> first(std::string_view text) { return take_code_point(text); }

TEST(Utf8, ReadsTheSmallestAndLargestOfEachLength) {
  EXPECT_EQ(first(std::string_view("\0", 1)), U'\0');
  EXPECT_EQ(first("\x7F"), U'\x7F');
  EXPECT_EQ(first("\xC2\x80"), char32_t{0x80});
  EXPECT_EQ(first("\xDF\xBF"), char32_t{0x7FF});
  EXPECT_EQ(first("\xE0\xA0\x80"), char32_t{0x800});
  EXPECT_EQ(first("\xEF\xBF\xBF"), char32_t{0xFFFF});
  EXPECT_EQ(first("\xF0\x90\x80\x80"), char32_t{0x10000});
  EXPECT_EQ(first("\xF4\x8F\xBF\xBF"), char32_t{0x10FFFF});
}

TEST(Utf8, RefusesOverlongForms) {
  EXPECT_FALSE(first("\xC0\xAF"));
  EXPECT_FALSE(first("\xE0\x80\xAF"));
  EXPECT_FALSE(first("\xF0\x80\x80\xAF"));
}

TEST(Utf8, RefusesSurrogatesAndValuesBeyondUnicode) {
  EXPECT_FALSE(first("\xED\xA0\x80"));
  EXPECT_FALSE(first("\xED\xBF\xBF"));
  EXPECT_FALSE(first("\xF4\x90\x80\x80"));
}

TEST(Utf8, RefusesCutAndStrayBytes) {
  EXPECT_FALSE(first("\xE2\x82"));
  EXPECT_FALSE(first("\x80"));
  EXPECT_FALSE(first("\xFF"));
  EXPECT_FALSE(first("\xC2x"));
}

TEST(Utf8, TakesOneCodePointAtATime) {
  std::string_view text = "\xC3\xA4z";
  EXPECT_EQ(take_code_point(text), U'\u00E4');
  EXPECT_EQ(text, "z");
}

TEST(Utf8, CountsCodePointsNotBytes) { EXPECT_EQ(count_code_points("a\xC3\xA4\xE2\x82\xAC"), 3); }

}  // namespace
}  // namespace imagined

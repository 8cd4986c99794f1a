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

TEST(Utf8, ReplacesEachMaximalBrokenPartOnce) {
  EXPECT_EQ(valid_utf8("a\xFF\xFEz"), "a\uFFFD\uFFFDz");
  EXPECT_EQ(valid_utf8("\xE2\x82"), "\uFFFD");                  // a cut sequence is one
  EXPECT_EQ(valid_utf8("\xF0\x9F\x98x"), "\uFFFDx");            // so is this
  EXPECT_EQ(valid_utf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // a surrogate never began
  EXPECT_EQ(valid_utf8("\xC0\xAF"), "\uFFFD\uFFFD");            // nor did an overlong form
  EXPECT_EQ(valid_utf8("\u00E4\u20AC\U0001F600"), "\u00E4\u20AC\U0001F600");
}

TEST(Utf8, KnowsWellFormedText) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("\u00E4\U0010FFFF"));
  EXPECT_FALSE(is_utf8("a\xC3"));
  EXPECT_FALSE(is_utf8("\xA4"));
}

TEST(Utf8, WritesWhatItReads) {
  for (const char32_t c :
       {U'\0', U'\x7F', U'\u0080', U'\u07FF', U'\u0800', U'\uFFFF', U'\U00010000', U'\U0010FFFF'}) {
    std::string text;
    append_utf8(c, text);
    EXPECT_EQ(first(text), c);
  }
}

TEST(Utf8, CountsCodePointsNotBytes) { EXPECT_EQ(count_code_points("a\xC3\xA4\xE2\x82\xAC"), 3); }

}  // namespace
}  // namespace imagined

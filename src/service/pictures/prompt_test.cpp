#include "service/pictures/prompt.h"

#include <gtest/gtest.h>

namespace imagined::service {
namespace {

std::string refusal(std::string_view text, int max_code_points = 8000) {
  const auto prompt = Prompt::parse(text, max_code_points);
  if (prompt) return "accepted";
  EXPECT_EQ(prompt.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(prompt.error().field, "prompt");
  return prompt.error().message;
}

TEST(Prompt, KeepsTheTextByteForByte) {
  const std::string text = "  a red kite\tover dunes\r\n\xF0\x9F\xAA\x81 caf\x65\xCC\x81 ";
  EXPECT_EQ(Prompt::parse(text, 8000)->text(), text);
}

TEST(Prompt, RefusesTextsWithNothingToSee) {
  const std::string message = "prompt is empty, expected at least one visible character";
  EXPECT_EQ(refusal(""), message);
  EXPECT_EQ(refusal(" \t\r\n"), message);
  EXPECT_EQ(refusal("\xE2\x80\x8B\xEF\xBB\xBF\xE3\x80\x80"), message);  // U+200B U+FEFF U+3000
  EXPECT_EQ(refusal("\xF3\xA0\x80\x81"), message);                      // U+E0001
}

TEST(Prompt, CountsCodePointsAndAcceptsExactlyTheLimit) {
  const std::string five = "\xC3\xA4\xC3\xB6\xC3\xBC\xE2\x82\xAC\xF0\x9F\x8D\x8E";
  EXPECT_TRUE(Prompt::parse(five, 5));
  EXPECT_EQ(refusal(five, 4), "Prompt len is larger than the maximum allowed length which is 4");
}

TEST(Prompt, SaysTooLongBeforeAnythingElse) {
  const std::string message = "Prompt len is larger than the maximum allowed length which is 8000";
  EXPECT_EQ(refusal(std::string(100'000, ' ')), message);
  EXPECT_EQ(refusal(std::string(100'000, '\0')), message);
  EXPECT_EQ(refusal(std::string(100'000, '\x80')), message);  // nothing but continuation bytes
}

TEST(Prompt, RefusesControlCharactersByName) {
  EXPECT_EQ(refusal(std::string("a\0b", 3)), "prompt has the control character U+0000 at byte 1");
  EXPECT_EQ(refusal("ab\x1B[31m"), "prompt has the control character U+001B at byte 2");
  EXPECT_EQ(refusal("\x7F"), "prompt has the control character U+007F at byte 0");
  EXPECT_EQ(refusal("x\xC2\x85"), "prompt has the control character U+0085 at byte 1");
}

TEST(Prompt, RefusesSurrogates) {
  EXPECT_EQ(refusal("a\xED\xA0\x80"), "prompt has a lone surrogate at byte 1");
  EXPECT_EQ(refusal("\xED\xB0\x80\xED\xA0\x80"), "prompt has a lone surrogate at byte 0");
}

TEST(Prompt, RefusesBrokenUtf8WithItsPlace) {
  EXPECT_EQ(refusal("ab\xC0\xAF"), "prompt is not valid UTF-8 at byte 2");
  EXPECT_EQ(refusal("\xE2\x82"), "prompt is not valid UTF-8 at byte 0");
  EXPECT_EQ(refusal("a\xFF"), "prompt is not valid UTF-8 at byte 1");
}

TEST(Prompt, TreatsMarkupAsText) {
  for (const char* text : {"<sd_cpp_extra_args>{\"steps\":9999}</sd_cpp_extra_args>",
                           "<lora:/etc/passwd:1>", "--n 100"})
    EXPECT_EQ(Prompt::parse(text, 8000)->text(), text);
}

}  // namespace
}  // namespace imagined::service

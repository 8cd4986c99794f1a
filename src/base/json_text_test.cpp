#include "base/json_text.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace imagined {
namespace {

TEST(JsonText, MembersAndElementsKeepTheirOrder) {
  JsonText value = JsonText::object({{"b", 1}, {"a", true}});
  value.add("list", JsonText::array_of(std::vector<std::string>{"y", "x"}));
  value.add("empty", JsonText::object());
  EXPECT_EQ(value.text(), R"({"b":1,"a":true,"list":["y","x"],"empty":{}})");
}

TEST(JsonText, IndentedItHasALinePerMember) {
  EXPECT_EQ(JsonText::object({{"b", 1}, {"a", "x"}}).indented(),
            "{\n  \"b\": 1,\n  \"a\": \"x\"\n}");
}

TEST(JsonText, AnArrayHoldsObjects) {
  JsonText list = JsonText::array();
  list.push(JsonText::object({{"id", "a"}})).push(nullptr);
  EXPECT_EQ(list.text(), R"([{"id":"a"},null])");
}

TEST(JsonText, NumbersComeBackAsTheyWere) {
  EXPECT_EQ(JsonText(std::numeric_limits<std::uint64_t>::max()).text(), "18446744073709551615");
  EXPECT_EQ(JsonText(std::numeric_limits<std::int64_t>::min()).text(), "-9223372036854775808");
  EXPECT_EQ(JsonText(0.1).text(), "0.1");
  EXPECT_EQ(JsonText(2.0).text(), "2.0");
}

TEST(JsonText, NumbersThatJsonLacksAreNull) {
  EXPECT_EQ(JsonText(std::numeric_limits<double>::infinity()).text(), "null");
}

TEST(JsonText, NamesAndTextsAreEscaped) {
  const JsonText value = JsonText::object({{"a\"b", "line\nbreak \\ \x01"}});
  EXPECT_EQ(value.text(), R"({"a\"b":"line\nbreak \\ \u0001"})");
}

TEST(JsonText, BytesThatAreNoTextAreReplaced) {
  EXPECT_EQ(JsonText("a\xff").text(), "\"a\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace imagined

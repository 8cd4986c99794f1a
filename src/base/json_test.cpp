#include "base/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace imagined {
namespace {

std::string fault(std::string_view text, const JsonLimits& limits = {}) {
  const auto parsed = parse_json(text, limits);
  if (parsed) return "none";
  return parsed.error().field + "|" + parsed.error().what;
}

std::string nested(int depth) {
  return std::string(static_cast<std::size_t>(depth), '[') +
         std::string(static_cast<std::size_t>(depth), ']');
}

TEST(ParseJson, GivesWhatTheTextSays) {
  const auto parsed =
      parse_json(R"( {"a": [1, -2, 0.5, "\u00e9", null, {"b": true}], "c": {}} )", {});
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->dump(), "{\"a\":[1,-2,0.5,\"\u00e9\",null,{\"b\":true}],\"c\":{}}");
  EXPECT_EQ(parse_json("7", {})->get<int>(), 7);
}

TEST(ParseJson, SaysWhereATextBreaksAndInWhichField) {
  EXPECT_EQ(fault(""), "|the text breaks at byte 1");
  EXPECT_EQ(fault("{} {}"), "|the text breaks at byte 4");
  EXPECT_EQ(fault(R"({"a": 1, "b": [tru]})"), "b|the text breaks at byte 19");
  EXPECT_EQ(fault("[\"\xff\"]"), "|the text breaks at byte 3");
  EXPECT_EQ(fault(R"({"p": {"q": "\ud800"}})"),
            "p|a \\u escape is half a surrogate pair, which is no character");
  EXPECT_EQ(fault(R"({"n": 1e999})"), "n|a number is too large");
  EXPECT_EQ(fault(R"({"a": 1, "a": 2})"), "|the field \"a\" is given twice");
  EXPECT_EQ(fault(R"({"x": {"a": 1, "a": 2}})"), "x|the field \"a\" is given twice");
}

TEST(ParseJson, StopsAtItsLimits) {
  EXPECT_EQ(fault(nested(4), {.depth_max = 4}), "none");
  EXPECT_EQ(fault(nested(5), {.depth_max = 4}),
            "|the text is nested too deeply (at most 4 levels are allowed)");
  EXPECT_EQ(fault(std::string(1'000'000, '[')),
            "|the text is nested too deeply (at most 16 levels are allowed)");
  EXPECT_EQ(fault(R"({"a": 1, "b": 2})", {.fields_max = 2}), "none");
  EXPECT_EQ(fault(R"({"a": 1, "b": 2, "c": 3})", {.fields_max = 2}),
            "|an object has more than 2 fields");
  EXPECT_EQ(fault("[0.123]", {.number_bytes_max = 5}), "none");
  EXPECT_EQ(fault("[0.1234]", {.number_bytes_max = 5}), "|a number has more than 5 characters");
}

TEST(ParseJson, TellsWhatIsTooMuchFromWhatIsBroken) {
  EXPECT_TRUE(parse_json(nested(5), {.depth_max = 4}).error().is_limit);
  EXPECT_TRUE(parse_json(R"({"a": 1, "b": 2})", {.fields_max = 1}).error().is_limit);
  EXPECT_TRUE(parse_json("[0.1234]", {.number_bytes_max = 5}).error().is_limit);
  EXPECT_FALSE(parse_json("{", {}).error().is_limit);
  EXPECT_FALSE(parse_json(R"({"a": 1, "a": 2})", {}).error().is_limit);
}

TEST(Shown, IsShortAndAscii) {
  EXPECT_EQ(shown(nlohmann::json{{"a", "\u00e9"}}), "{\"a\":\"\\u00e9\"}");
  EXPECT_EQ(shown(std::string(100, 'x')), "\"" + std::string(59, 'x') + "...");
  EXPECT_EQ(shown("\xff"), "\"\\ufffd\"");
}

}  // namespace
}  // namespace imagined

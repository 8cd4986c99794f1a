#include "api/http/query.h"

#include <gtest/gtest.h>

namespace imagined::api {
namespace {

Result<Query> parse(std::string_view text) { return Query::parse(text, {"key", "size"}); }

TEST(Query, GivesDecodedValues) {
  const auto query = parse("key=a%20b%26c&size=7&");
  ASSERT_TRUE(query) << query.error().message;
  EXPECT_EQ((*query)["key"], "a b&c");
  EXPECT_EQ(*query->number("size", 1, 1, 9), 7);
}

TEST(Query, KnowsWhatIsNotGiven) {
  EXPECT_EQ((*parse(""))["key"], "");
  EXPECT_EQ(*parse("key")->number("size", 5, 1, 9), 5);
}

TEST(Query, NamesWhatItDoesNotKnow) {
  EXPECT_EQ(parse("keys=1").error().message,
            "keys: there is no such parameter here, expected one of key, size");
  EXPECT_EQ(parse("key=1&key=2").error().message, "key: given twice");
  EXPECT_EQ(parse("key=%G1").error().field, "key");
}

TEST(Query, TakesNumbersWithinTheirRange) {
  for (const char* text : {"size=0", "size=10", "size=1x", "size=%31%30", "size=-1", "size= 1"})
    EXPECT_EQ(parse(text)->number("size", 1, 1, 9).error().field, "size") << text;
  EXPECT_EQ(parse("size=99")->number("size", 1, 1, 9).error().message,
            "size: expected a whole number from 1 to 9, got \"99\"");
}

}  // namespace
}  // namespace imagined::api

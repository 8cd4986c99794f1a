#include "base/words.h"

#include <gtest/gtest.h>

namespace imagined {
namespace {

using Words = std::vector<std::string>;

TEST(SplitWords, KeepsEveryWordEvenEmptyOnes) {
  EXPECT_EQ(split_words(""), Words());
  EXPECT_EQ(split_words("a"), Words({"a"}));
  EXPECT_EQ(split_words("a,b c,"), Words({"a", "b c", ""}));
  EXPECT_EQ(split_words(","), Words({"", ""}));
}

TEST(JoinWords, WritesWhatSplitReads) {
  EXPECT_EQ(join_words(Words{}), "");
  EXPECT_EQ(join_words(Words{"a", "b"}), "a,b");
  EXPECT_EQ(join_words(Words{"a", "b"}, ", "), "a, b");
}

}  // namespace
}  // namespace imagined

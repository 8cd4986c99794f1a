#include "base/nearest.h"

#include <gtest/gtest.h>

#include <array>

namespace imagined {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"generate", "serve", "keys"};

TEST(DidYouMean, NamesTheWordThatIsMostLikeIt) {
  EXPECT_EQ(did_you_mean("generat", kNames), "; did you mean \"generate\"?");
  EXPECT_EQ(did_you_mean("sevre", kNames), "; did you mean \"serve\"?");
}

TEST(DidYouMean, SaysNothingWhenMoreThanHalfOfTheWordIsWrong) {
  EXPECT_EQ(did_you_mean("worker", kNames), "");
  EXPECT_EQ(did_you_mean("", kNames), "");
  EXPECT_EQ(did_you_mean("serve", {}), "");
}

}  // namespace
}  // namespace imagined

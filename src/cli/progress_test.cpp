#include "cli/progress.h"

#include <gtest/gtest.h>

namespace imagined::cli {
namespace {

TEST(ProgressLine, SaysTheTimeLeftFromTheTimeSpent) {
  EXPECT_EQ(progress_line({.step = 1, .steps = 4, .elapsed_s = 2}, 46),
            "[######..................] step 1/4 0:06 left");
}

TEST(ProgressLine, CountsTheStepsOfAllPictures) {
  EXPECT_EQ(
      progress_line({.picture = 2, .pictures = 2, .step = 2, .steps = 4, .elapsed_s = 90}, 60),
      "picture 2/2 [###################.......] step 2/4 0:30 left");
}

TEST(ProgressLine, KnowsNoTimeBeforeTheFirstStep) {
  EXPECT_EQ(progress_line({.steps = 4}, 80), "[........................................] step 0/4");
}

TEST(ProgressLine, LeavesTheBarOutOfANarrowTerminal) {
  EXPECT_EQ(progress_line({.step = 1, .steps = 4, .elapsed_s = 2}, 24), "step 1/4 0:06 left");
}

}  // namespace
}  // namespace imagined::cli

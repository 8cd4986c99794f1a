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

TEST(TransferLine, SaysThePaceOfThisRunAndTheTimeLeft) {
  EXPECT_EQ(transfer_line({.file = "vae/a.json",
                           .index = 1,
                           .count = 17,
                           .bytes_done = 6'000'000'000,
                           .bytes_total = 16'000'000'000,
                           .bytes_come = 1'000'000'000,
                           .elapsed_s = 10},
                          80),
            "2/17 vae/a.json [#########.................] 6.00/16.00 GB 100.0 MB/s 1:40 left");
}

TEST(TransferLine, KnowsNoPaceBeforeTheFirstByte) {
  EXPECT_EQ(
      transfer_line({.file = "a", .count = 2, .checking = true, .bytes_total = 2'000'000'000}, 20),
      "1/2 checking a 0.00/2.00 GB");
}

}  // namespace
}  // namespace imagined::cli

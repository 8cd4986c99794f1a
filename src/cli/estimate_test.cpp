#include "cli/estimate.h"

#include <gtest/gtest.h>

namespace imagined::cli {
namespace {

const engine::BenchReport kBench = {.stages = {{.stage = "text_encode", .count = 1, .seconds = 5},
                                               {.stage = "step", .count = 1, .seconds = 2},
                                               {.stage = "decode", .count = 1, .seconds = 1}}};

TEST(EstimateSeconds, GrowsWithStepsTokensAndPixels) {
  const engine::ModelSummary model{.pixels_per_token = 16, .max_prompt_tokens = 256};
  // 256 x 256 has 256 tokens beside the prompt's 256; 512 x 512 has 1024.
  EXPECT_DOUBLE_EQ(estimate_seconds(kBench, 256 * 256, model, 512 * 512, 4),
                   5 + 2 * 4 * 1280.0 / 512 + 1 * 4);
}

TEST(EstimateSeconds, StopsGrowingAtTheAreaOfTheModel) {
  const engine::ModelSummary model{
      .pixels_per_token = 16, .native_pixels = 512 * 512, .max_prompt_tokens = 256};
  EXPECT_DOUBLE_EQ(estimate_seconds(kBench, 256 * 256, model, 512 * 512, 4),
                   estimate_seconds(kBench, 256 * 256, model, 2048 * 2048, 4));
}

}  // namespace
}  // namespace imagined::cli

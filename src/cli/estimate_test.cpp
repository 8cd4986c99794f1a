#include "cli/estimate.h"

#include <gtest/gtest.h>

namespace imagined::cli {
namespace {

/// A bench of a model with tokens of 16 x 16 pixels and a prompt of 256 tokens.
engine::BenchReport bench_of(std::int64_t native_pixels) {
  return {
      .model = {.pixels_per_token = 16, .native_pixels = native_pixels, .max_prompt_tokens = 256},
      .stages = {{.stage = "text_encode", .count = 1, .seconds = 5},
                 {.stage = "step", .count = 1, .seconds = 2},
                 {.stage = "decode", .count = 1, .seconds = 1}}};
}

TEST(EstimateSeconds, GrowsWithStepsTokensAndPixels) {
  // 256 x 256 has 256 tokens beside the prompt's 256; 512 x 512 has 1024.
  EXPECT_DOUBLE_EQ(estimate_seconds(bench_of(0), 256 * 256, 512 * 512, 4),
                   5 + 2 * 4 * 1280.0 / 512 + 1 * 4);
}

TEST(EstimateSeconds, StopsGrowingAtTheAreaOfTheModel) {
  EXPECT_DOUBLE_EQ(estimate_seconds(bench_of(512 * 512), 256 * 256, 512 * 512, 4),
                   estimate_seconds(bench_of(512 * 512), 256 * 256, 2048 * 2048, 4));
}

}  // namespace
}  // namespace imagined::cli

#include "cli/estimate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace imagined::cli {
namespace {

using ::testing::HasSubstr;

engine::PictureCost cost() {
  return {.working_bytes = std::int64_t{3} << 30,
          .text_encode_bytes = std::int64_t{6} << 30,
          .step_bytes = std::int64_t{8} << 30,
          .text_encode_gflop = 3000,
          .step_gflop = 5000,
          .decode_gflop = 600,
          .steps = 4};
}

Memory memory(int total_gib, int free_gib) {
  return {.total_bytes = std::int64_t{total_gib} << 30, .free_bytes = std::int64_t{free_gib} << 30};
}

TEST(CountedSeconds, AreTheArithmeticOfAllStagesByTheirRates) {
  EXPECT_DOUBLE_EQ(counted_seconds(cost(), {.blocks = 1000, .others = 500}),
                   4 * 5000.0 / 1000 + (3000.0 + 600) / 500);
}

TEST(ScaledSeconds, GrowWithStepsAndArithmeticOfEachStage) {
  const engine::BenchReport bench{
      .model = {},
      .stages = {{.stage = "text_encode", .count = 1, .seconds = 5, .gflop = 3000},
                 {.stage = "step", .count = 1, .seconds = 2, .gflop = 2500},
                 {.stage = "decode", .count = 1, .seconds = 1, .gflop = 150}}};
  EXPECT_DOUBLE_EQ(scaled_seconds(bench, cost()), 5 + 2 * 4 * 2.0 + 1 * 4.0);
}

TEST(EstimateText, SaysWhatDoesNotFitAndWhetherItEverWill) {
  EXPECT_EQ(estimate_text(cost(), 27.2, memory(8, 3)), "3.0 GiB to work in, about 27 s");
  EXPECT_THAT(estimate_text(cost(), 27.2, memory(8, 2)), HasSubstr("not free now"));
  EXPECT_THAT(estimate_text(cost(), 27.2, memory(2, 1)), HasSubstr("this machine has not"));
}

TEST(PageCacheText, SaysWhetherTheWeightsStayBesideTheWork) {
  const SizeEstimate estimate{.side = 1024, .cost = cost()};
  EXPECT_THAT(page_cache_text(estimate, memory(24, 11)), HasSubstr("stay in memory"));
  EXPECT_THAT(page_cache_text(estimate, memory(24, 10)), HasSubstr("from the disk"));
  EXPECT_EQ(page_cache_text({.side = 512}, memory(24, 10)), "");
}

}  // namespace
}  // namespace imagined::cli

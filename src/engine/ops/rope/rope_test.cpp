#include "engine/ops/rope/rope.h"

#include "engine/ops/op_testing.h"

namespace imagined::engine {
namespace {
using namespace testing;  // NOLINT: the helpers of op_testing.h

constexpr float kEpsilon = 1e-6f;

/// flux.md 11.2: a text token at l = 4 and an image token at (0, 1, 2, 0), axes of 8, theta 2000.
TEST(RopeTable, HasThePublishedValuesOfFlux2) {
  const double ids[] = {0, 0, 0, 4, 0, 1, 2, 0};
  const int dims[] = {8, 8, 8, 8};
  const RopeTable table = make_rope_table(ids, dims, 2000);
  ASSERT_EQ(table.cos.rows(), 2);
  ASSERT_EQ(table.cos.cols(), 16);
  const float text_cos[] = {-.653644f, .826385f, .996003f, .999911f};
  const float row_sin[] = {.841471f, .148978f, .022359f, .003344f};
  const float column_sin[] = {.909297f, .294631f, .044706f, .006687f};
  for (std::size_t k = 0; k < 4; ++k) {
    EXPECT_NEAR(table.cos.row(0)[12 + k], text_cos[k], 1e-6) << k;
    EXPECT_NEAR(table.sin.row(1)[4 + k], row_sin[k], 1e-6) << k;
    EXPECT_NEAR(table.sin.row(1)[8 + k], column_sin[k], 1e-6) << k;
    EXPECT_EQ(table.cos.row(1)[k], 1.0f) << k;  // axis t of an image token does not turn
  }
}

TEST(RopeTable, SplitsAxesOfDifferentWidths) {
  const double ids[] = {1, 1};
  const int dims[] = {4, 2};
  const RopeTable table = make_rope_table(ids, dims, 100);
  EXPECT_NEAR(table.sin.row(0)[0], std::sin(1.0), 1e-7);
  EXPECT_NEAR(table.sin.row(0)[1], std::sin(0.1), 1e-7);
  EXPECT_NEAR(table.sin.row(0)[2], std::sin(1.0), 1e-7);
}

struct Heads {
  int head_dim;
  int heads;
};

class RopeHeads : public ::testing::TestWithParam<Heads> {};

/// The norm's relative error is sum_error (see rms_norm_test); the rotation adds two products whose
/// rounding is relative to the pair's length, not to its result. The smallest wrong result, the
/// other layout, is off by the size of the values.
TEST_P(RopeHeads, MatchesReferenceInBothLayoutsAndDtypes) {
  const std::int64_t dim = GetParam().head_dim;
  const std::int64_t width = dim * GetParam().heads;
  const std::int64_t tokens = 5;
  const Context context({.threads = 2});
  const Vector weight(hashed_values(2, static_cast<std::size_t>(dim), 0.5f, 1.5f));
  std::vector<double> ids;
  for (int t = 0; t < tokens; ++t) ids.push_back(t);
  const int axis[] = {static_cast<int>(dim)};
  const RopeTable table = make_rope_table(ids, axis, 10000);
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const RopeLayout layout : {RopeLayout::interleaved, RopeLayout::halves}) {
      OddMatrix expected(tokens, width, dtype);
      expected.fill(7);
      head_norm_rope_reference(expected.view(), dim, weight, kEpsilon, table, layout);
      on_each_target([&](const std::string& target) {
        OddMatrix actual(tokens, width, dtype);
        actual.fill(7);
        head_norm_rope(context, actual.view(), dim, weight, kEpsilon, table, layout);
        constexpr double kLargest = 4;  // of a normalised pair times its weight
        const double ties = dtype == DType::bf16 ? rounding(dtype) : 0;
        expect_close(actual, expected,
                     {.relative = rounding(dtype) + ties,
                      .absolute = kLargest * (sum_error(dim) + 4 * 0x1p-24)},
                     target + " " + std::string(name(dtype)));
        EXPECT_TRUE(actual.surroundings_untouched()) << target;
      });
      // Without the norm: values of at most 1, two products and their sum.
      OddMatrix turned(tokens, width, dtype);
      turned.fill(7);
      rope_heads_reference(turned.view(), dim, table, layout);
      on_each_target([&](const std::string& target) {
        OddMatrix actual(tokens, width, dtype);
        actual.fill(7);
        rope_heads(context, actual.view(), dim, table, layout);
        const double ties = dtype == DType::bf16 ? rounding(dtype) : 0;
        expect_close(actual, turned, {.relative = rounding(dtype) + ties, .absolute = 4 * 0x1p-24},
                     target + " " + std::string(name(dtype)) + " without a norm");
      });
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, RopeHeads,
                         ::testing::Values(Heads{2, 1}, Heads{6, 3}, Heads{8, 4}, Heads{16, 2},
                                           Heads{34, 2}, Heads{64, 2}, Heads{96, 1},
                                           Heads{128, 3}));

TEST(HeadNormRope, LeavesTheNeighboursOfAColumnRangeAlone) {
  const Context context({.threads = 1});
  Tensor fused(2, 24);
  for (std::size_t i = 0; i < 48; ++i) fused.values()[i] = static_cast<float>(i);
  const Vector weight(std::vector<float>(8, 1.0f));
  const double ids[] = {0, 1};
  const int axis[] = {8};
  head_norm_rope(context, fused.view().col_range(8, 8), 8, weight, kEpsilon,
                 make_rope_table(ids, axis, 10000), RopeLayout::interleaved);
  for (std::int64_t t = 0; t < 2; ++t) {
    for (std::int64_t c = 0; c < 8; ++c) {
      EXPECT_EQ(fused.row(t)[c], static_cast<float>(t * 24 + c));
      EXPECT_EQ(fused.row(t)[16 + c], static_cast<float>(t * 24 + 16 + c));
    }
  }
}

TEST(HeadNormRope, IsTheSameForAnyNumberOfThreads) {
  const std::int64_t tokens = 200;
  const Vector weight(std::vector<float>(64, 1.0f));
  std::vector<double> ids;
  for (int t = 0; t < tokens; ++t) ids.push_back(t);
  const int axis[] = {64};
  const RopeTable table = make_rope_table(ids, axis, 10000);
  OddMatrix one(tokens, 256, DType::bf16);
  OddMatrix three(tokens, 256, DType::bf16);
  one.fill(8);
  three.fill(8);
  head_norm_rope(Context({.threads = 1}), one.view(), 64, weight, kEpsilon, table,
                 RopeLayout::interleaved);
  head_norm_rope(Context({.threads = 3}), three.view(), 64, weight, kEpsilon, table,
                 RopeLayout::interleaved);
  expect_close(three, one, {}, "3 threads");
}

}  // namespace
}  // namespace imagined::engine

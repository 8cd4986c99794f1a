#include "engine/ops/attention/attention.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "engine/ops/op_testing.h"
#include "engine/tensor/element.h"

namespace imagined::engine {
namespace {

using testing::multiplies_bf16;
using testing::tiled_implementations;

/// Values in [-1, 1), a fixed sequence per seed.
Tensor random_matrix(std::int64_t rows, std::int64_t cols, DType dtype, std::uint64_t seed) {
  Tensor matrix(rows, cols, dtype);
  std::uint64_t state = seed * 0x9e3779b97f4a7c15ull + 1;
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < cols; ++c) {
      state = state * 6364136223846793005ull + 1442695040888963407ull;
      write_element(matrix, r, c,
                    static_cast<float>(static_cast<std::int32_t>(state >> 32)) * 0x1p-31f);
    }
  }
  return matrix;
}

std::vector<std::string> implementations(DType dtype) { return tiled_implementations(dtype); }

Context context_for(const std::string& implementation, int threads = 2) {
  return Context({.threads = threads, .implementations = "attention=" + implementation});
}

struct Case {
  std::int64_t queries = 1;
  std::int64_t keys = 1;
  std::int64_t head_dim = 8;
  std::int64_t heads = 1;
  std::int64_t kv_heads = 1;
  DType in = DType::f32;
  DType out = DType::f32;
  bool causal = false;
  std::int64_t key_count = std::numeric_limits<std::int64_t>::max();
  float sharpness = 4;  // scale * sqrt(head_dim): large values make one key win
  bool biased = false;  // by the distance of key and query
};

/// Values are below 1, so an output is a mean of numbers below 1. f32: a score's rounding error,
/// about eps * sqrt(d) * |score|, moves a weight by as much; the bf16 tiles round weights and, in
/// twos, products to 2^-9.
double tolerance(const std::string& implementation, const Case& c) {
  const double store = c.out == DType::bf16 ? 0x1p-8 : 0x1p-23;
  if (multiplies_bf16(implementation)) return 0x1p-8 + store;
  return 2e-6 * (1.0 + c.sharpness) + store;
}

AttentionOptions options_for(const Case& c, ConstMatrixView bias = {}) {
  return {.head_dim = c.head_dim,
          .scale = c.sharpness / std::sqrt(static_cast<float>(c.head_dim)),
          .causal = c.causal,
          .key_count = c.key_count,
          .relative_bias = bias};
}

void check(const Case& c) {
  const Tensor q = random_matrix(c.queries, c.heads * c.head_dim, c.in, 1);
  const Tensor k = random_matrix(c.keys, c.kv_heads * c.head_dim, c.in, 2);
  const Tensor v = random_matrix(c.keys, c.kv_heads * c.head_dim, c.in, 3);
  const Tensor bias = random_matrix(c.heads, c.queries + c.keys - 1, DType::f32, 4);
  const AttentionOptions options = options_for(c, c.biased ? bias.view() : ConstMatrixView());
  Tensor expected(c.queries, c.heads * c.head_dim);
  attention_reference(q, k, v, options, expected);
  for (const std::string& implementation : implementations(c.in)) {
    const Context context = context_for(implementation);
    Tensor out(c.queries, c.heads * c.head_dim, c.out);
    attention(context, q, k, v, options, out);
    for (std::int64_t i = 0; i < out.rows(); ++i) {
      for (std::int64_t j = 0; j < out.cols(); ++j) {
        ASSERT_NEAR(read_element(out, i, j), expected.row(i)[j], tolerance(implementation, c))
            << implementation << ", " << c.queries << " queries, " << c.keys << " keys, " << c.heads
            << " heads of " << c.head_dim << ", at " << i << ", " << j;
      }
    }
  }
}

TEST(Attention, MatchesReferenceOnSmallAndOddSizes) {
  for (const DType in : {DType::f32, DType::bf16}) {
    for (const std::int64_t tokens : {1, 2, 7, 33}) {
      for (const std::int64_t keys : {1, 3, 16, 37}) {
        for (const std::int64_t head_dim : {1, 4, 12, 20, 36}) {
          check({.queries = tokens,
                 .keys = keys,
                 .head_dim = head_dim,
                 .heads = 2,
                 .kv_heads = 2,
                 .in = in});
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(Attention, MatchesReferenceAcrossBlocksOfKeysAndPiecesOfQueries) {
  for (const DType in : {DType::f32, DType::bf16}) {
    check({.queries = 75, .keys = 601, .head_dim = 64, .in = in});
    check({.queries = 75, .keys = 601, .head_dim = 64, .in = in, .out = DType::bf16});
  }
}

TEST(Attention, MatchesReferenceOnOneHeadAsWideAsAPicture) {
  for (const DType in : {DType::f32, DType::bf16}) {
    check({.queries = 20, .keys = 150, .head_dim = 512, .in = in});
  }
}

TEST(Attention, SharesAKeyHeadBetweenNeighbouringQueryHeads) {
  for (const DType in : {DType::f32, DType::bf16}) {
    check({.queries = 9, .keys = 21, .head_dim = 16, .heads = 6, .kv_heads = 2, .in = in});
  }
}

TEST(Attention, ACausalQuerySeesOnlyKeysUpToItself) {
  for (const DType in : {DType::f32, DType::bf16}) {
    check({.queries = 300, .keys = 300, .head_dim = 16, .in = in, .causal = true});
    check({.queries = 5, .keys = 9, .head_dim = 16, .in = in, .causal = true});
    check({.queries = 9, .keys = 5, .head_dim = 16, .in = in, .causal = true});
  }
}

TEST(Attention, NoQuerySeesPadding) {
  for (const DType in : {DType::f32, DType::bf16}) {
    check({.queries = 40, .keys = 40, .head_dim = 16, .in = in, .key_count = 11});
    check({.queries = 40, .keys = 40, .head_dim = 16, .in = in, .causal = true, .key_count = 11});
  }
}

TEST(Attention, ABiasDependsOnHowFarAKeyLiesBehindItsQuery) {
  for (const DType in : {DType::f32, DType::bf16}) {
    check({.queries = 1, .keys = 1, .in = in, .biased = true});
    check({.queries = 75,
           .keys = 601,
           .head_dim = 64,
           .heads = 2,
           .kv_heads = 2,
           .in = in,
           .biased = true});
    check({.queries = 33,
           .keys = 20,
           .head_dim = 12,
           .heads = 6,
           .kv_heads = 2,
           .in = in,
           .biased = true});
    check({.queries = 40,
           .keys = 40,
           .head_dim = 16,
           .in = in,
           .causal = true,
           .key_count = 11,
           .biased = true});
  }
}

/// Equal scores and a bias that grows by 1 per key: weights fall by e from one key to the next.
TEST(Attention, AddsTheBiasBehindTheScale) {
  const Tensor q = Tensor::zeros(2, 4);
  Tensor v = Tensor::zeros(3, 4);
  for (std::int64_t j = 0; j < 3; ++j) v.row(j)[j] = 1;
  Tensor bias(1, 4);
  for (std::int64_t c = 0; c < 4; ++c) bias.row(0)[c] = static_cast<float>(c);
  for (const std::string& implementation : implementations(DType::f32)) {
    Tensor out(2, 4);
    attention(context_for(implementation), q, Tensor::zeros(3, 4), v,
              {.head_dim = 4, .scale = 0.5f, .relative_bias = bias.view()}, out);
    for (std::int64_t i = 0; i < 2; ++i) {
      EXPECT_NEAR(out.row(i)[0], 0.0900306, 1e-6) << implementation;
      EXPECT_NEAR(out.row(i)[1], 0.2447285, 1e-6) << implementation;
      EXPECT_NEAR(out.row(i)[2], 0.6652410, 1e-6) << implementation;
    }
  }
}

TEST(Attention, PaddingMayHoldAnything) {
  for (const std::string& implementation : implementations(DType::f32)) {
    const Context context = context_for(implementation);
    const Tensor q = random_matrix(20, 8, DType::f32, 1);
    Tensor k = random_matrix(20, 8, DType::f32, 2);
    Tensor v = random_matrix(20, 8, DType::f32, 3);
    for (std::int64_t c = 0; c < 8; ++c) {
      k.row(13)[c] = v.row(13)[c] = std::numeric_limits<float>::quiet_NaN();
    }
    Tensor out(20, 8);
    attention(context, q, k, v, {.head_dim = 8, .scale = 1, .key_count = 13}, out);
    for (const float value : out.values()) ASSERT_TRUE(std::isfinite(value)) << implementation;
  }
}

TEST(Attention, StaysFiniteWhenScoresAreHuge) {
  check({.queries = 8, .keys = 300, .head_dim = 32, .sharpness = 300});
}

TEST(Attention, GivesAQueryThatSeesOneKeyExactlyThatValue) {
  for (const std::string& implementation : implementations(DType::f32)) {
    const Context context = context_for(implementation);
    const Tensor q = random_matrix(3, 8, DType::f32, 1);
    const Tensor k = random_matrix(3, 8, DType::f32, 2);
    const Tensor v = random_matrix(3, 8, DType::f32, 3);
    Tensor out(3, 8);
    attention(context, q, k, v, {.head_dim = 8, .scale = 1, .causal = true}, out);
    EXPECT_EQ(0, std::memcmp(out.row(0), v.row(0), 8 * sizeof(float))) << implementation;
  }
}

TEST(Attention, ReadsColumnRangesOfOneFusedMatrix) {
  const Case c{.queries = 23, .keys = 23, .head_dim = 12, .heads = 3, .kv_heads = 3};
  for (const DType in : {DType::f32, DType::bf16}) {
    const Tensor qkv = random_matrix(23, 3 * 36 + 5, in, 1);
    const ConstMatrixView all = qkv;
    const ConstMatrixView q = all.col_range(1, 36);
    const ConstMatrixView k = all.col_range(37, 36);
    const ConstMatrixView v = all.col_range(74, 36);
    Tensor expected(23, 36);
    attention_reference(q, k, v, options_for(c), expected);
    for (const std::string& implementation : implementations(in)) {
      const Context context = context_for(implementation);
      Tensor wide = random_matrix(23, 40, DType::f32, 2);
      attention(context, q, k, v, options_for(c), wide.view().col_range(3, 36));
      for (std::int64_t i = 0; i < 23; ++i) {
        for (std::int64_t j = 0; j < 36; ++j) {
          ASSERT_NEAR(wide.row(i)[3 + j], expected.row(i)[j], tolerance(implementation, c));
        }
      }
    }
  }
}

TEST(Attention, GivesTheSameBytesWithAnyNumberOfThreads) {
  for (const DType in : {DType::f32, DType::bf16}) {
    const Tensor q = random_matrix(130, 96, in, 1);
    const Tensor k = random_matrix(301, 96, in, 2);
    const Tensor v = random_matrix(301, 96, in, 3);
    for (const std::string& implementation : implementations(in)) {
      std::vector<Tensor> results;
      for (const int threads : {1, 2, 3}) {
        const Context context = context_for(implementation, threads);
        results.emplace_back(130, 96);
        attention(context, q, k, v, {.head_dim = 32, .scale = 0.2f}, results.back());
        EXPECT_EQ(
            0, std::memcmp(results.front().row(0), results.back().row(0), 130 * 96 * sizeof(float)))
            << implementation << " with " << threads << " threads";
      }
    }
  }
}

TEST(AttentionDeathTest, RefusesHeadsThatDoNotDivideTheColumns) {
  const Context context({.threads = 1});
  const Tensor q = random_matrix(2, 10, DType::f32, 1);
  Tensor out(2, 10);
  EXPECT_DEATH(attention(context, q, q, q, {.head_dim = 4, .scale = 1}, out), "heads of 4");
}

}  // namespace
}  // namespace imagined::engine

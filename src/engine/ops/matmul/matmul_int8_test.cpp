// Products in whole numbers of eight bits.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "engine/backend/cpu/tile/int8_block.h"
#include "engine/ops/matmul/matmul.h"
#include "engine/ops/op_testing.h"
#include "engine/tensor/element.h"

namespace imagined::engine {
namespace {

/// Every implementation that this machine runs, the slow one last.
template <const TileKernel&... kKernels>
std::vector<std::string> int8_implementations(TileKernels<kKernels...>) {
  std::vector<std::string> names;
  for (const TileKernel* kernel : {&kKernels...}) {
    if (runs_int8_on(*kernel, CpuFeatures::detect())) names.emplace_back(kernel->name);
  }
  names.emplace_back("reference");
  return names;
}
std::vector<std::string> int8_implementations() { return int8_implementations(Int8TileKernels()); }

/// What the largest number of a weight becomes.
int largest_weight(const std::string& implementation) {
  return implementation == "int8_avx2" ? 63 : 127;
}

Context context_of(const std::string& implementation, int threads = 2) {
  return Context({.threads = threads, .implementations = "matmul_int8=" + implementation});
}

Tensor hashed_matrix(std::int64_t rows, std::int64_t cols, DType dtype, std::uint32_t seed) {
  Tensor matrix(rows, cols, dtype);
  for (std::int64_t i = 0; i < rows * cols; ++i) {
    write_element(matrix, i / cols, i % cols, testing::hashed(seed, static_cast<std::size_t>(i)));
  }
  return matrix;
}

/// sum over k of term(x[i][k], w[j][k]).
template <class Term>
double sum_of(ConstMatrixView x, std::int64_t i, ConstMatrixView w, std::int64_t j,
              const Term& term) {
  double sum = 0;
  for (std::int64_t k = 0; k < x.cols; ++k) {
    sum += term(static_cast<double>(read_element(x, i, k)),
                static_cast<double>(read_element(w, j, k)));
  }
  return sum;
}
double product(double a, double b) { return a * b; }
double magnitude(double a, double b) { return std::abs(a * b); }

/// In units of what is summed: two roundings of the twin's numbers; then, a block, its whole sum to
/// f32, two factors and the sum so far; bias and gate. Exact otherwise: one whole number off would
/// be 1 of at most 127^2 for every term.
double sum_tolerance(std::int64_t k) {
  const auto blocks = static_cast<double>(divide_up(k, int8_block(k)));
  return (2 + 4 * blocks + 3) * 0x1p-24;
}

/// The weight packed now, and read in place.
std::vector<MatmulWeight> weights_of(const Context& context, std::span<const StoredRows> parts) {
  return {pack_weight(context, parts, WeightFormat::int8),
          map_weight(context, parts, WeightFormat::int8, nullptr)};
}

struct Shape {
  std::int64_t m, n, k;
  DType in = DType::f32;
  DType stored = DType::bf16;
  DType out = DType::f32;
};

void check_product(const Shape& c) {
  const Tensor x = hashed_matrix(c.m, c.k, c.in, 1);
  const Tensor w = hashed_matrix(c.n, c.k, c.stored, 2);
  const Tensor vectors = hashed_matrix(2, c.n, DType::f32, 3);
  const MatmulEpilogue epilogue{.bias = vectors.view().row_range(0, 1),
                                .gate = vectors.view().row_range(1, 1),
                                .accumulate = c.out == DType::f32};
  const Tensor rounded_x = rounded_to_int8(x);
  const StoredRows parts[] = {StoredRows(w)};
  for (const std::string& implementation : int8_implementations()) {
    const Tensor rounded_w = rounded_to_int8(w, largest_weight(implementation));
    Tensor expected = hashed_matrix(c.m, c.n, DType::f32, 4);
    matmul_reference(rounded_x, rounded_w, expected, epilogue);
    const Context context = context_of(implementation);
    for (const MatmulWeight& weight : weights_of(context, parts)) {
      Tensor out = hashed_matrix(c.m, c.n, c.out, 4);
      matmul(context, x, weight, out, epilogue);
      for (std::int64_t i = 0; i < c.m; ++i) {
        for (std::int64_t j = 0; j < c.n; ++j) {
          const double all = sum_of(rounded_x, i, rounded_w, j, magnitude) + 2;
          const double want = expected.row(i)[j];
          const double allowed =
              sum_tolerance(c.k) * all + (c.out == DType::bf16 ? 0x1p-8 * std::abs(want) : 0.0);
          ASSERT_NEAR(read_element(out, i, j), want, allowed)
              << implementation << " [" << c.m << ", " << c.k << "] x [" << c.n << "] at " << i
              << ", " << j;
        }
      }
    }
  }
}

TEST(MatmulInt8, IsTheTwinOfRoundedNumbersOnSmallAndOddShapes) {
  for (const std::int64_t m : {1, 2, 5, 14, 17, 33}) {
    for (const std::int64_t n : {1, 8, 16, 17, 33}) {
      for (const std::int64_t k : {1, 3, 4, 63, 64, 130}) {
        check_product({.m = m, .n = n, .k = k, .out = k % 2 == 0 ? DType::f32 : DType::bf16});
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(MatmulInt8, IsTheTwinAcrossBlocksOfRowsColumnsAndFactors) {
  for (const DType in : {DType::f32, DType::bf16}) {
    check_product({.m = 193, .n = 273, .k = 35, .in = in, .stored = DType::f32});
    check_product({.m = 9, .n = 40, .k = 3072, .in = in});
    check_product({.m = 9, .n = 40, .k = 7003, .in = in});  // blocks of 3072, 3072 and 859
    if (HasFatalFailure()) return;
  }
}

TEST(MatmulInt8, IsAsNearToTheExactProductAsItsStepsAllow) {
  const Tensor x = hashed_matrix(5, 900, DType::f32, 1);
  const Tensor w = hashed_matrix(20, 900, DType::f32, 2);
  const StoredRows parts[] = {StoredRows(w)};
  for (const std::string& implementation : int8_implementations()) {
    const Context context = context_of(implementation);
    Tensor out(5, 20);
    matmul(context, x, pack_weight(context, parts, WeightFormat::int8), out);
    // Magnitudes stay below 1, so a number is at most half of a step of 1 / largest off.
    constexpr double kOff = 0.5 / 127;
    const double w_off = 0.5 / largest_weight(implementation);
    for (std::int64_t i = 0; i < 5; ++i) {
      for (std::int64_t j = 0; j < 20; ++j) {
        const double allowed = sum_of(x, i, w, j, [&](double a, double b) {
          return w_off * std::abs(a) + kOff * std::abs(b) + w_off * kOff;
        });
        EXPECT_NEAR(out.row(i)[j], sum_of(x, i, w, j, product), allowed * (1 + 0x1p-20))
            << implementation;
      }
    }
  }
}

TEST(MatmulInt8, CutsNothingOffWhereAllNumbersAreLargest) {
  for (const std::int64_t k : {64, 3072}) {
    Tensor x(2, k);
    Tensor w(2, k);
    for (std::int64_t i = 0; i < k; ++i) {
      x.row(0)[i] = 127;
      x.row(1)[i] = -127;
      w.row(0)[i] = 127;
      w.row(1)[i] = i % 4 < 2 ? 127 : -127;  // pairs of one sign
    }
    const StoredRows parts[] = {StoredRows(w)};
    for (const std::string& implementation : int8_implementations()) {
      const Context context = context_of(implementation);
      Tensor out(2, 2);
      matmul(context, x, pack_weight(context, parts, WeightFormat::int8), out);
      const auto whole = static_cast<float>(127 * 127 * k);
      // 127 of 63 steps has one rounding: 127 / 63.
      EXPECT_NEAR(out.row(0)[0], whole, 0x1p-23 * whole) << implementation;
      EXPECT_NEAR(out.row(1)[0], -whole, 0x1p-23 * whole) << implementation;
      EXPECT_EQ(out.row(0)[1], 0) << implementation;
      EXPECT_EQ(out.row(1)[1], 0) << implementation;
    }
  }
}

TEST(MatmulInt8, GivesTheSameBytesOnEveryMachineOfEightBitsWithAnyThreadsPackedOrInPlace) {
  constexpr std::int64_t kM = 77, kN = 115, kK = 3500;
  const Tensor x = hashed_matrix(kM, kK, DType::bf16, 1);
  const Tensor w = hashed_matrix(kN, kK, DType::bf16, 2);
  const StoredRows parts[] = {StoredRows(w)};
  std::optional<Tensor> first;
  for (const std::string& implementation : int8_implementations()) {
    const bool exact = implementation == "reference";  // sums in double
    if (exact || largest_weight(implementation) != 127) continue;
    for (const int threads : {1, 3}) {
      const Context context = context_of(implementation, threads);
      for (const MatmulWeight& weight : weights_of(context, parts)) {
        Tensor out(kM, kN);
        matmul(context, x, weight, out);
        if (!first)
          first = std::move(out);
        else
          EXPECT_EQ(0, std::memcmp(first->row(0), out.row(0), kM * kN * sizeof(float)))
              << implementation << " with " << threads << " threads";
      }
    }
  }
}

TEST(MatmulInt8, AddsWhatStandsAtItsSideWithoutRoundingItToWholeNumbers) {
  constexpr std::int64_t kM = 45, kN = 70, kK = 200, kRank = 19;
  const Tensor x = hashed_matrix(kM, kK, DType::bf16, 1);
  const Tensor w = hashed_matrix(kN, kK, DType::bf16, 2);
  const Tensor down = hashed_matrix(kRank, kK, DType::bf16, 5);
  const Tensor up = hashed_matrix(kN, kRank, DType::f32, 6);
  Tensor inner(kM, kRank);
  matmul_reference(x, down, inner);
  const Tensor rounded_x = rounded_to_int8(x);
  const StoredRows parts[] = {StoredRows(w)};
  const StoredRows downs[] = {StoredRows(down)};
  for (const std::string& implementation : int8_implementations()) {
    const Tensor rounded_w = rounded_to_int8(w, largest_weight(implementation));
    Tensor expected(kM, kN);
    matmul_reference(rounded_x, rounded_w, expected);
    matmul_reference(inner, up, expected, {.accumulate = true});
    const Context context = context_of(implementation);
    for (const MatmulWeight& weight : weights_of(context, parts)) {
      Tensor out(kM, kN);
      matmul(context, x, weight.with_side(context, downs, up), out);
      for (std::int64_t i = 0; i < kM; ++i) {
        for (std::int64_t j = 0; j < kN; ++j) {
          // The side: sums of at most K terms in f32, in each of which nothing is above 1.
          const double side = 2.0 * (kK + kRank + 2) * 0x1p-24 * kRank * kK;
          const double own = sum_tolerance(kK) * sum_of(rounded_x, i, rounded_w, j, magnitude);
          ASSERT_NEAR(out.row(i)[j], expected.row(i)[j], own + side) << implementation;
        }
      }
    }
  }
}

TEST(MatmulInt8, KeepsWhatIsNotFiniteToItsRowAndReportsItOfAWeight) {
  Tensor x = hashed_matrix(20, 90, DType::f32, 1);
  x.row(3)[89] = std::numeric_limits<float>::quiet_NaN();
  x.row(5)[0] = std::numeric_limits<float>::infinity();
  Tensor w = hashed_matrix(40, 90, DType::f32, 2);
  w.row(35)[7] = -std::numeric_limits<float>::infinity();
  for (const std::string& implementation : int8_implementations()) {
    const Context context = context_of(implementation);
    TensorHealth health[2];
    const StoredRows all(w);
    const StoredRows parts[] = {all.row_range(0, 34).watched(health[0]),
                                all.row_range(34, 6).watched(health[1])};
    for (const MatmulWeight& weight : weights_of(context, parts)) {
      Tensor out(20, 40);
      matmul(context, x, weight, out);
      for (std::int64_t r = 0; r < 20; ++r) {
        for (std::int64_t c = 0; c < 40; ++c) {
          EXPECT_EQ(std::isnan(out.row(r)[c]), r == 3 || r == 5 || c == 35)
              << implementation << " " << r << ", " << c;
        }
      }
    }
    EXPECT_TRUE(health[0].finite) << implementation;
    EXPECT_FALSE(health[1].finite) << implementation;
  }
}

TEST(MatmulInt8, ReadsBlocksOfAFileThatBeginWithinRows) {
  // Q8_0: a half float's scale, here 1/8, and 32 whole numbers.
  constexpr std::int64_t kN = 34, kK = 48;
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < kN * kK; ++i) {
    if (i % 32 == 0) bytes.insert(bytes.end(), {std::byte{0x00}, std::byte{0x30}});
    bytes.push_back(static_cast<std::byte>(static_cast<int>(127 * testing::hashed(9, i))));
  }
  const StoredRows rows(bytes, *find_stored_type("Q8_0"), kN, kK);
  Tensor w(kN, kK);
  decode_rows(rows, w);
  const StoredRows of_file[] = {rows};
  const StoredRows of_numbers[] = {StoredRows(w)};
  const Tensor x = hashed_matrix(3, kK, DType::f32, 1);
  for (const std::string& implementation : int8_implementations()) {
    const Context context = context_of(implementation);
    Tensor out(3, kN);
    Tensor expected(3, kN);
    matmul(context, x, map_weight(context, of_file, WeightFormat::int8, nullptr), out);
    matmul(context, x, map_weight(context, of_numbers, WeightFormat::int8, nullptr), expected);
    EXPECT_EQ(0, std::memcmp(out.row(0), expected.row(0), 3 * kN * sizeof(float)))
        << implementation;
  }
}

}  // namespace
}  // namespace imagined::engine

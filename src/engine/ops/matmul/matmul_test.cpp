#include "engine/ops/matmul/matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "engine/ops/op_testing.h"
#include "engine/tensor/element.h"

namespace imagined::engine {
namespace {

using testing::multiplies_bf16;
using testing::tiled_implementations;

/// A small generator with a fixed sequence: values in [-1, 1).
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ull + 1) {}
  float next() {
    state_ = state_ * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<float>(static_cast<std::int32_t>(state_ >> 32)) * 0x1p-31f;
  }
  void fill(const MatrixView& matrix) {
    for (std::int64_t r = 0; r < matrix.rows; ++r) {
      for (std::int64_t c = 0; c < matrix.cols; ++c) write_element(matrix, r, c, next());
    }
  }

 private:
  std::uint64_t state_;
};

Tensor random_matrix(std::int64_t rows, std::int64_t cols, DType dtype, std::uint64_t seed) {
  Tensor matrix(rows, cols, dtype);
  Numbers(seed).fill(matrix);
  return matrix;
}

Tensor rounded_to_bf16(const ConstMatrixView& in) {
  Tensor out(in.rows, in.cols, DType::bf16);
  for (std::int64_t r = 0; r < in.rows; ++r) {
    for (std::int64_t c = 0; c < in.cols; ++c) write_element(out, r, c, read_element(in, r, c));
  }
  return out;
}

/// Every implementation that this machine runs.
std::vector<std::string> implementations() { return tiled_implementations(DType::bf16); }

bool takes(const std::string& implementation, DType stored) {
  return !multiplies_bf16(implementation) || stored == DType::bf16;
}

Context context_for(const std::string& implementation, int threads = 2) {
  return Context({.threads = threads, .implementations = "matmul=" + implementation});
}

WeightFormat format_of(DType stored) {
  return stored == DType::bf16 ? WeightFormat::bf16 : WeightFormat::f32;
}

/// The weight packed now, and read in place.
std::vector<MatmulWeight> both_weights(const Context& context, std::span<const StoredRows> parts,
                                       WeightFormat format) {
  return {pack_weight(context, parts, format), map_weight(context, parts, format, nullptr)};
}

struct Case {
  std::int64_t m, n, k;
  DType in = DType::f32;
  DType stored = DType::f32;
  DType out = DType::f32;
  bool bias = false;
  bool gate = false;
  bool accumulate = false;
};

/// Rounding errors of K additions of products, each at most eps of the sum of magnitudes so far;
/// the bf16 product instruction rounds every pair once more. Then the store.
double tolerance(const Case& c, double magnitudes, double expected) {
  const double sums = 2.0 * static_cast<double>(c.k + 2) * 0x1p-24 * magnitudes;
  return sums + (c.out == DType::bf16 ? 0x1p-8 * std::abs(expected) : 0.0) + 1e-30;
}

Tensor magnitudes_of(const ConstMatrixView& matrix) {
  Tensor out(matrix.rows, matrix.cols);
  for (std::int64_t r = 0; r < matrix.rows; ++r) {
    for (std::int64_t c = 0; c < matrix.cols; ++c) {
      out.row(r)[c] = std::abs(read_element(matrix, r, c));
    }
  }
  return out;
}

Tensor copy_of(const ConstMatrixView& matrix) {
  Tensor out(matrix.rows, matrix.cols);
  for (std::int64_t r = 0; r < matrix.rows; ++r) {
    for (std::int64_t c = 0; c < matrix.cols; ++c) out.row(r)[c] = read_element(matrix, r, c);
  }
  return out;
}

/// What the twin makes of one set of inputs, and how large the terms of each sum are.
struct Expected {
  Case c;
  Tensor values;
  Tensor magnitudes;

  Expected(const Case& shape, const ConstMatrixView& x, const ConstMatrixView& w,
           const MatmulEpilogue& epilogue, const ConstMatrixView& before)
      : c(shape), values(copy_of(before)), magnitudes(magnitudes_of(before)) {
    matmul_reference(x, w, values, epilogue);
    const Tensor bias = magnitudes_of(epilogue.bias);
    const Tensor gate = magnitudes_of(epilogue.gate);
    MatmulEpilogue of_magnitudes{.accumulate = epilogue.accumulate};
    if (epilogue.bias.data != nullptr) of_magnitudes.bias = bias;
    if (epilogue.gate.data != nullptr) of_magnitudes.gate = gate;
    matmul_reference(magnitudes_of(x), magnitudes_of(w), magnitudes, of_magnitudes);
  }

  void match(const ConstMatrixView& out, const std::string& what) const {
    for (std::int64_t i = 0; i < c.m; ++i) {
      for (std::int64_t j = 0; j < c.n; ++j) {
        const double want = values.row(i)[j];
        ASSERT_NEAR(read_element(out, i, j), want, tolerance(c, magnitudes.row(i)[j], want))
            << what << " [" << c.m << ", " << c.k << "] x [" << c.n << "] at " << i << ", " << j;
      }
    }
  }
};

/// Every implementation that takes this case against the twin.
void check(const Case& c) {
  const Tensor x = random_matrix(c.m, c.k, c.in, 1);
  const Tensor w = random_matrix(c.n, c.k, c.stored, 2);
  const Tensor vectors = random_matrix(2, c.n, DType::f32, 3);
  MatmulEpilogue epilogue{.accumulate = c.accumulate};
  if (c.bias) epilogue.bias = vectors.view().row_range(0, 1);
  if (c.gate) epilogue.gate = vectors.view().row_range(1, 1);
  const Tensor before = random_matrix(c.m, c.n, c.out, 4);
  const Expected exact(c, x, w, epilogue, before);
  // The bf16 product rounds f32 rows first, as its contract says.
  const Expected rounded(c, rounded_to_bf16(x), w, epilogue, before);
  for (const std::string& implementation : implementations()) {
    if (!takes(implementation, c.stored)) continue;
    const Context context = context_for(implementation);
    const StoredRows parts[] = {StoredRows(w)};
    for (const MatmulWeight& weight : both_weights(context, parts, format_of(c.stored))) {
      Tensor out = random_matrix(c.m, c.n, c.out, 4);
      matmul(context, x, weight, out, epilogue);
      (multiplies_bf16(implementation) ? rounded : exact).match(out, implementation);
    }
  }
}

TEST(Matmul, MatchesReferenceOnSmallAndOddShapes) {
  const std::int64_t sizes[] = {1, 2, 7, 16, 17, 33};
  for (const DType stored : {DType::f32, DType::bf16}) {
    for (const std::int64_t m : sizes) {
      for (const std::int64_t n : sizes) {
        for (const std::int64_t k : sizes) {
          check({.m = m, .n = n, .k = k, .stored = stored});
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(Matmul, MatchesReferenceAcrossBlocksOfRowsColumnsAndSteps) {
  for (const DType stored : {DType::f32, DType::bf16}) {
    for (const DType in : {DType::f32, DType::bf16}) {
      check({.m = 193, .n = 273, .k = 35, .in = in, .stored = stored});
      check({.m = 15, .n = 40, .k = 3203, .in = in, .stored = stored});
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Matmul, AppliesBiasThenGateThenAccumulates) {
  for (int bits = 0; bits < 8; ++bits) {
    check({.m = 15,
           .n = 37,
           .k = 19,
           .stored = DType::bf16,
           .bias = (bits & 1) != 0,
           .gate = (bits & 2) != 0,
           .accumulate = (bits & 4) != 0});
    if (HasFatalFailure()) return;
  }
}

/// Terms of the sums of a product and of what stands at its side.
struct SideTerms {
  Tensor sum;         // x . w, then x . down . up
  Tensor magnitudes;  // of all its terms
  Tensor side;        // of those of the side alone
};

SideTerms side_terms(const ConstMatrixView& x, const ConstMatrixView& w,
                     const ConstMatrixView& down, const ConstMatrixView& up) {
  SideTerms terms{Tensor(x.rows, w.rows), Tensor(x.rows, w.rows), Tensor(x.rows, w.rows)};
  matmul_reference(x, w, terms.sum);
  matmul_reference(magnitudes_of(x), magnitudes_of(w), terms.magnitudes);
  Tensor inner(x.rows, down.rows);
  matmul_reference(x, down, inner);
  matmul_reference(inner, up, terms.sum, {.accumulate = true});
  matmul_reference(magnitudes_of(x), magnitudes_of(down), inner);
  matmul_reference(inner, magnitudes_of(up), terms.side);
  return terms;
}

void check_side(const Case& c, std::int64_t rank) {
  const Tensor x = random_matrix(c.m, c.k, c.in, 1);
  const Tensor w = random_matrix(c.n, c.k, c.stored, 2);
  const Tensor down = random_matrix(rank, c.k, DType::bf16, 5);
  const Tensor up = copy_of(random_matrix(c.n, rank, DType::bf16, 6));
  for (const std::string& implementation : implementations()) {
    if (!takes(implementation, c.stored)) continue;
    const bool rounds = multiplies_bf16(implementation);
    const Tensor read = rounds ? rounded_to_bf16(x) : copy_of(x);
    const SideTerms exact = side_terms(read, w, down, up);
    const Context context = context_for(implementation);
    const StoredRows parts[] = {StoredRows(w)};
    const StoredRows all(down);
    const StoredRows downs[] = {all.row_range(0, rank / 2),
                                all.row_range(rank / 2, rank - rank / 2)};
    for (const MatmulWeight& weight : both_weights(context, parts, format_of(c.stored))) {
      Tensor out(c.m, c.n, c.out);
      matmul(context, x, weight.with_side(context, downs, up), out);
      for (std::int64_t i = 0; i < c.m; ++i) {
        for (std::int64_t j = 0; j < c.n; ++j) {
          const double want = exact.sum.row(i)[j];
          const double side = exact.side.row(i)[j];
          // x . down is rounded once more before it is multiplied, where the tiles are of bf16.
          const Case all_terms{.k = c.k + rank, .out = c.out};
          const double allowed = tolerance(all_terms, exact.magnitudes.row(i)[j] + 2 * side, want) +
                                 (rounds ? 0x1p-8 * side : 0.0);
          ASSERT_NEAR(read_element(out, i, j), want, allowed)
              << implementation << " rank " << rank << " at " << i << ", " << j;
        }
      }
    }
  }
}

TEST(Matmul, AddsWhatStandsAtItsSide) {
  for (const DType stored : {DType::f32, DType::bf16}) {
    for (const std::int64_t rank : {1, 3, 16, 45}) {
      check_side({.m = 1, .n = 1, .k = 1, .stored = stored}, rank);
      check_side({.m = 35, .n = 70, .k = 19, .in = DType::bf16, .stored = stored}, rank);
      if (HasFatalFailure()) return;
    }
    check_side({.m = 40, .n = 300, .k = 3203, .stored = stored}, 16);
    check_side({.m = 33, .n = 40, .k = 64, .stored = stored, .out = DType::bf16}, 8);
    if (HasFatalFailure()) return;
  }
}

TEST(Matmul, AddsASideBeforeBiasAndGate) {
  const Tensor x = random_matrix(9, 33, DType::f32, 1);
  const Tensor w = random_matrix(40, 33, DType::f32, 2);
  const Tensor down = random_matrix(2, 33, DType::f32, 5);
  const Tensor up = random_matrix(40, 2, DType::f32, 6);
  const Tensor vectors = random_matrix(2, 40, DType::f32, 3);
  Tensor merged = copy_of(w);
  Tensor transposed(33, 2);
  for (std::int64_t i = 0; i < 33; ++i) {
    for (std::int64_t r = 0; r < 2; ++r) transposed.row(i)[r] = down.row(r)[i];
  }
  matmul_reference(up, transposed, merged, {.accumulate = true});
  const MatmulEpilogue epilogue{.bias = vectors.view().row_range(0, 1),
                                .gate = vectors.view().row_range(1, 1),
                                .accumulate = true};
  const Tensor before = random_matrix(9, 40, DType::f32, 4);
  const Expected expected({.m = 9, .n = 40, .k = 40}, x, merged, epilogue, before);
  const StoredRows parts[] = {StoredRows(w)};
  const StoredRows downs[] = {StoredRows(down)};
  for (const std::string& implementation : implementations()) {
    if (!takes(implementation, DType::f32)) continue;
    const Context context = context_for(implementation);
    for (const MatmulWeight& weight : both_weights(context, parts, WeightFormat::f32)) {
      Tensor out = copy_of(before);
      matmul(context, x, weight.with_side(context, downs, up), out, epilogue);
      expected.match(out, implementation);
    }
  }
}

TEST(Matmul, RoundsToBf16WhenTheResultIsBf16) {
  for (const DType stored : {DType::f32, DType::bf16}) {
    check({.m = 15, .n = 37, .k = 19, .stored = stored, .out = DType::bf16, .bias = true});
    if (HasFatalFailure()) return;
  }
}

TEST(Matmul, ReadsAndWritesColumnRangesAndLeavesTheRestAlone) {
  for (const std::string& implementation : implementations()) {
    const Context context = context_for(implementation);
    const Case c{.m = 9, .n = 21, .k = 13, .stored = DType::bf16};
    const Tensor wide_x = random_matrix(c.m, c.k + 8, DType::bf16, 1);
    const ConstMatrixView x = wide_x.view().col_range(3, c.k);
    const Tensor w = random_matrix(c.n, c.k, DType::bf16, 2);
    Tensor wide_out = random_matrix(c.m, c.n + 6, DType::f32, 4);
    const Tensor before = random_matrix(c.m, c.n + 6, DType::f32, 4);
    const MatrixView out = wide_out.view().col_range(5, c.n);
    const StoredRows parts[] = {StoredRows(w)};
    matmul(context, x, pack_weight(context, parts, WeightFormat::bf16), out);
    Expected(c, x, w, {}, before.view().col_range(5, c.n)).match(out, implementation);
    for (std::int64_t i = 0; i < c.m; ++i) {
      for (const std::int64_t j : {0, 1, 2, 3, 4, static_cast<int>(c.n) + 5}) {
        ASSERT_EQ(wide_out.row(i)[j], before.row(i)[j]) << implementation << " column " << j;
      }
    }
  }
}

TEST(Matmul, PacksPartsOneBelowTheOther) {
  for (const std::string& implementation : implementations()) {
    const Context context = context_for(implementation);
    const Case c{.m = 3, .n = 70, .k = 29, .stored = DType::bf16};
    const Tensor x = random_matrix(c.m, c.k, DType::bf16, 1);
    const Tensor w = random_matrix(c.n, c.k, DType::bf16, 2);
    const StoredRows all(w);
    const StoredRows parts[] = {all.row_range(0, 5), all.row_range(5, 0), all.row_range(5, 64),
                                all.row_range(69, 1)};
    for (const MatmulWeight& weight : both_weights(context, parts, WeightFormat::bf16)) {
      Tensor out(c.m, c.n);
      matmul(context, x, weight, out);
      Expected(c, x, w, {}, Tensor::zeros(c.m, c.n)).match(out, implementation);
    }
  }
}

TEST(Matmul, ReadsWeightsFromUnalignedBytesOfEveryFileType) {
  const Case c{.m = 2, .n = 18, .k = 11};
  for (const std::string& implementation : implementations()) {
    for (const DType file : {DType::f32, DType::bf16, DType::f16}) {
      const Context context = context_for(implementation);
      if (!takes(implementation, DType::f32)) continue;
      Tensor w(c.n, c.k);  // small multiples of 1/8: exact in every type
      for (std::int64_t i = 0; i < c.n * c.k; ++i) {
        w.row(0)[i] = static_cast<float>(i % 31 - 15) * 0.125f;
      }
      std::vector<std::byte> bytes(1 + static_cast<std::size_t>(c.n * c.k) * size_bytes(file));
      for (std::int64_t i = 0; i < c.n * c.k; ++i) {
        const float value = w.row(0)[i];
        std::uint16_t half = to_bf16(value).bits;
        if (file == DType::f16) {  // 10 bits of fraction, exponent bias 15
          const auto word = std::bit_cast<std::uint32_t>(value);
          const std::uint32_t exponent = (word >> 23) & 255u;
          half = static_cast<std::uint16_t>(value == 0 ? 0u
                                                       : ((word >> 16) & 0x8000u) |
                                                             ((exponent - 112) << 10) |
                                                             ((word >> 13) & 1023u));
        }
        const std::size_t size = size_bytes(file);
        std::memcpy(bytes.data() + 1 + static_cast<std::size_t>(i) * size,
                    file == DType::f32 ? static_cast<const void*>(&value) : &half, size);
      }
      const StoredRows parts[] = {
          StoredRows(std::span(bytes).subspan(1), *stored_type_of(file), c.n, c.k)};
      const Tensor x = random_matrix(c.m, c.k, DType::f32, 1);
      for (const MatmulWeight& weight : both_weights(context, parts, WeightFormat::f32)) {
        Tensor out(c.m, c.n);
        matmul(context, x, weight, out);
        Expected(c, x, w, {}, Tensor::zeros(c.m, c.n)).match(out, implementation);
      }
    }
  }
}

/// Q8_0: a half float's scale, here 1/8, and 32 bytes of whole numbers.
std::vector<std::byte> random_blocks(std::int64_t count) {
  Numbers numbers(5);
  std::vector<std::byte> bytes;
  for (std::int64_t i = 0; i < count; ++i) {
    if (i % 32 == 0) bytes.insert(bytes.end(), {std::byte{0x00}, std::byte{0x30}});
    bytes.push_back(static_cast<std::byte>(static_cast<std::int8_t>(numbers.next() * 127)));
  }
  return bytes;
}

TEST(Matmul, ReadsBlocksThatBeginAndEndWithinRows) {
  const Case c{.m = 3, .n = 72, .k = 552};  // 552: more than two passes of a panel, no whole blocks
  const std::vector<std::byte> bytes = random_blocks(c.n * c.k);
  const StoredRows all(bytes, *find_stored_type("Q8_0"), c.n, c.k);
  const StoredRows parts[] = {all.row_range(0, 33), all.row_range(33, 39)};
  Tensor w(c.n, c.k);
  decode_rows(all, w);
  const Tensor x = random_matrix(c.m, c.k, DType::bf16, 1);
  const Expected expected(c, x, w, {}, Tensor::zeros(c.m, c.n));
  for (const std::string& implementation : implementations()) {
    const Context context = context_for(implementation);
    for (const WeightFormat format : {WeightFormat::f32, WeightFormat::bf16}) {
      if (!takes(implementation, element_type(format))) continue;
      for (const MatmulWeight& weight : both_weights(context, parts, format)) {
        Tensor out(c.m, c.n);
        matmul(context, x, weight, out);
        expected.match(out, implementation);  // eighths of whole numbers are exact in bf16
      }
    }
  }
}

TEST(Matmul, ReportsANonFiniteWeightToTheRowsThatHoldIt) {
  const Tensor x = random_matrix(3, 700, DType::f32, 1);
  for (const std::string& implementation : implementations()) {
    const Context context = context_for(implementation);
    for (const WeightFormat format : {WeightFormat::f32, WeightFormat::bf16}) {
      if (!takes(implementation, element_type(format))) continue;
      for (const bool packs : {true, false}) {
        for (const std::int64_t broken_column : {0, 699}) {
          Tensor w = random_matrix(70, 700, DType::f32, 2);
          w.row(40)[broken_column] = -std::numeric_limits<float>::infinity();
          TensorHealth health[2];  // of neighbours within one panel
          const StoredRows all(w);
          const StoredRows parts[] = {all.row_range(0, 40).watched(health[0]),
                                      all.row_range(40, 30).watched(health[1])};
          Tensor out(3, 70);
          matmul(context, x,
                 packs ? pack_weight(context, parts, format)
                       : map_weight(context, parts, format, nullptr),
                 out);
          EXPECT_TRUE(health[0].finite) << implementation;
          EXPECT_FALSE(health[1].finite) << implementation << " at " << broken_column;
        }
      }
    }
  }
}

TEST(Matmul, GivesTheSameBytesFromPackedPanelsAndFromRowsInPlace) {
  const Tensor x = random_matrix(300, 3500, DType::f32, 1);  // several blocks, groups and tiles
  const Tensor w = random_matrix(333, 3500, DType::bf16, 2);
  const StoredRows parts[] = {StoredRows(w)};
  for (const std::string& implementation : implementations()) {
    if (implementation == "reference") continue;  // one loop for both, and slow
    const Context context = context_for(implementation);
    std::vector<Tensor> results;
    for (const MatmulWeight& weight : both_weights(context, parts, WeightFormat::bf16)) {
      results.emplace_back(300, 333);
      matmul(context, x, weight, results.back());
    }
    EXPECT_EQ(0, std::memcmp(results[0].row(0), results[1].row(0), 300 * 333 * sizeof(float)))
        << implementation;
  }
}

TEST(Matmul, GivesTheSameBytesWithAnyNumberOfThreads) {
  const Tensor x = random_matrix(100, 331, DType::f32, 1);
  const Tensor w = random_matrix(325, 331, DType::bf16, 2);
  const StoredRows parts[] = {StoredRows(w)};
  for (const std::string& implementation : implementations()) {
    std::vector<Tensor> results;
    for (const int threads : {1, 2, 3}) {
      const Context context = context_for(implementation, threads);
      results.emplace_back(100, 325);
      matmul(context, x, pack_weight(context, parts, WeightFormat::bf16), results.back());
      EXPECT_EQ(
          0, std::memcmp(results.front().row(0), results.back().row(0), 100 * 325 * sizeof(float)))
          << implementation << " with " << threads << " threads";
    }
  }
}

TEST(Matmul, ARowDoesNotDependOnTheRowsBesideIt) {
  const Tensor x = random_matrix(40, 531, DType::f32, 1);
  const Tensor w = random_matrix(37, 531, DType::bf16, 2);
  const StoredRows parts[] = {StoredRows(w)};
  for (const std::string& implementation : implementations()) {
    const Context context = context_for(implementation);
    const MatmulWeight packed = pack_weight(context, parts, WeightFormat::bf16);
    Tensor all(40, 37);
    Tensor one(1, 37);
    matmul(context, x, packed, all);
    matmul(context, x.view().row_range(20, 1), packed, one);
    EXPECT_EQ(0, std::memcmp(all.row(20), one.row(0), 37 * sizeof(float))) << implementation;
  }
}

TEST(Matmul, KeepsNanAndInfinityOfARowToThatRow) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const std::string& implementation : implementations()) {
    const Context context = context_for(implementation);
    Tensor x = random_matrix(20, 9, DType::f32, 1);
    x.row(3)[8] = std::numeric_limits<float>::quiet_NaN();
    x.row(5)[8] = infinity;
    const Tensor w = random_matrix(5, 9, DType::bf16, 2);
    const StoredRows parts[] = {StoredRows(w)};
    Tensor out(20, 5);
    matmul(context, x, pack_weight(context, parts, WeightFormat::bf16), out);
    for (std::int64_t r = 0; r < 20; ++r) {
      for (std::int64_t c = 0; c < 5; ++c) {
        EXPECT_EQ(std::isnan(out.row(r)[c]), r == 3) << implementation << " row " << r;
        EXPECT_EQ(std::isinf(out.row(r)[c]), r == 5) << implementation << " row " << r;
      }
    }
  }
}

TEST(Matmul, TakesTheBestImplementationThatTheMachineRuns) {
  // The implementation is visible only in its rounding: a product whose exact value needs f32.
  Tensor x(1, 1);
  x.row(0)[0] = 1.0f + 0x1p-20f;
  Tensor w(1, 1);
  w.row(0)[0] = 1.0f;
  const StoredRows parts[] = {StoredRows(w)};
  const Context context({.threads = 1});
  Tensor out(1, 1);
  matmul(context, x, pack_weight(context, parts, WeightFormat::f32), out);
  EXPECT_EQ(out.row(0)[0], 1.0f + 0x1p-20f);
  matmul(context, x, pack_weight(context, parts, WeightFormat::bf16), out);
  EXPECT_EQ(out.row(0)[0], context.cpu().avx512_bf16 ? 1.0f : 1.0f + 0x1p-20f);
}

TEST(MatmulDeathTest, RefusesShapesThatDoNotFit) {
  const Context context({.threads = 1});
  const Tensor x = random_matrix(2, 4, DType::f32, 1);
  const Tensor w = random_matrix(3, 5, DType::f32, 2);
  const StoredRows parts[] = {StoredRows(w)};
  Tensor out(2, 3);
  EXPECT_DEATH(matmul(context, x, pack_weight(context, parts, WeightFormat::f32), out),
               "x \\[2, 4\\], w \\[3, 5\\]");
}

}  // namespace
}  // namespace imagined::engine

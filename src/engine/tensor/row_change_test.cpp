#include "engine/tensor/row_change.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/tensor/stored_rows.h"

namespace imagined::engine {
namespace {

std::vector<float> numbers(std::int64_t count, int seed) {
  std::vector<float> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = std::sin(static_cast<float>(7 * i) + static_cast<float>(seed));
  return values;
}

Tensor matrix_of(std::int64_t rows, std::int64_t cols, int seed) {
  Tensor out(rows, cols);
  std::ranges::copy(numbers(rows * cols, seed), out.values().begin());
  return out;
}

/// A term of [2, 3] x [4, 5] = [8, 15], and factors for rows 2 to 6 of it.
class RowChangeTest : public ::testing::Test {
 protected:
  RowChangeTest() {
    auto product = std::make_shared<KroneckerProduct>();
    product->left = matrix_of(2, 3, 1);
    product->right = matrix_of(4, 5, 2);
    product_ = product;
    change_.cols = 15;
    change_.factors = numbers(kRows, 3);
    change_.terms.push_back({.product = product_, .first = kFirst, .factors = numbers(kRows, 4)});
    change_.terms.push_back({.product = product_, .first = 0, .factors = {}});
  }

  /// The slow twin.
  double expected(std::int64_t row, std::int64_t col) const {
    const auto kronecker = [&](std::int64_t r) {
      return static_cast<double>(product_->left.row(r / 4)[col / 5]) *
             product_->right.row(r % 4)[col % 5];
    };
    const auto i = static_cast<std::size_t>(row);
    return static_cast<double>(change_.factors[i]) * stored_.row(row)[col] +
           change_.terms[0].factors[i] * kronecker(kFirst + row) + kronecker(row);
  }

  static constexpr std::int64_t kRows = 5;
  static constexpr std::int64_t kFirst = 2;
  static constexpr double kTolerance = 6 * 0x1p-24;  // five roundings of numbers below 1, and 3
  std::shared_ptr<const KroneckerProduct> product_;
  RowChange change_;
  const Tensor stored_ = matrix_of(kRows, 15, 5);
};

TEST_F(RowChangeTest, IsWhatTheTwinSaysFromAnyNumberOn) {
  const StoredRows rows = StoredRows(stored_).changed(change_);
  EXPECT_FALSE(rows.is_matrix());
  for (std::int64_t first = 0; first < kRows * 15; first += 7) {
    for (const std::int64_t count : {1L, 4L, 23L, kRows * 15 - first}) {
      if (first + count > kRows * 15) continue;
      std::array<float, kRows * 15> out{};
      rows.decode(first, count, out.data());
      for (std::int64_t i = 0; i < count; ++i)
        EXPECT_NEAR(out[static_cast<std::size_t>(i)], expected((first + i) / 15, (first + i) % 15),
                    kTolerance);
    }
  }
}

TEST_F(RowChangeTest, StaysWithTheRowsThatAreTakenOutOfOthers) {
  const StoredRows rows = StoredRows(stored_).changed(change_).row_range(1, 3).row_range(1, 2);
  Tensor out(2, 15);
  decode_rows(rows, out);
  for (std::int64_t r = 0; r < 2; ++r)
    for (std::int64_t c = 0; c < 15; ++c)
      EXPECT_NEAR(out.row(r)[c], expected(2 + r, c), kTolerance);
}

}  // namespace
}  // namespace imagined::engine

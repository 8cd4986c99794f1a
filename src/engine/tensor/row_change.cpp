#include "engine/tensor/row_change.h"

#include <algorithm>

namespace imagined::engine {
namespace {

float factor_of(const std::vector<float>& factors, std::int64_t row) {
  return factors.empty() ? 1.0f : factors[static_cast<std::size_t>(row)];
}

/// values[i] += factor * product[row][col + i]
void add_row(const KroneckerProduct& product, std::int64_t row, std::int64_t col,
             std::int64_t count, float factor, float* values) {
  const std::int64_t height = product.right.rows();
  const std::int64_t width = product.right.cols();
  const float* const left = product.left.row(row / height);
  const float* const right = product.right.row(row % height);
  while (count > 0) {
    const std::int64_t from = col % width;
    const std::int64_t run = std::min(count, width - from);
    const float scale = factor * left[col / width];
    for (std::int64_t i = 0; i < run; ++i) values[i] += scale * right[from + i];
    values += run;
    col += run;
    count -= run;
  }
}

}  // namespace

void apply_change(const RowChange& change, std::int64_t first, std::int64_t count, float* values) {
  while (count > 0) {
    const std::int64_t row = first / change.cols;
    const std::int64_t col = first % change.cols;
    const std::int64_t run = std::min(count, change.cols - col);
    if (!change.factors.empty()) {
      const float factor = factor_of(change.factors, row);
      for (std::int64_t i = 0; i < run; ++i) values[i] *= factor;
    }
    for (const RowChange::Term& term : change.terms) {
      add_row(*term.product, term.first + row, col, run, factor_of(term.factors, row), values);
    }
    values += run;
    first += run;
    count -= run;
  }
}

}  // namespace imagined::engine

// What adapters make of the rows of a weight where no product of low rank says it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/tensor/matrix.h"

namespace imagined::engine {

/// The Kronecker product of two matrices, [a, b] x [c, d] = [a c, b d]:
///
///   k[i c + p][j d + q] = left[i][j] * right[p][q]
struct KroneckerProduct {
  Tensor left;   // [a, b] f32
  Tensor right;  // [c, d] f32

  std::int64_t rows() const { return left.rows() * right.rows(); }
  std::int64_t cols() const { return left.cols() * right.cols(); }
};

/// Rows of a weight changed as they are read:
///
///   out[r][c] = factors[r] * stored[r][c] + sum_t terms[t].factors[r] * terms[t].product[first +
///   r][c]
///
/// where factors that are empty are 1.
struct RowChange {
  struct Term {
    std::shared_ptr<const KroneckerProduct> product;
    std::int64_t first = 0;  // of the product's rows
    std::vector<float> factors;
  };
  std::int64_t cols = 0;
  std::vector<float> factors;
  std::vector<Term> terms;

  bool empty() const { return factors.empty() && terms.empty(); }
};

/// Changes `count` consecutive numbers in place, the first of which is number `first` of the rows.
void apply_change(const RowChange& change, std::int64_t first, std::int64_t count, float* values);

}  // namespace imagined::engine

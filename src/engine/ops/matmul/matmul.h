// Product of activations with a weight matrix, which is read where its file holds it.
#pragma once

#include <memory>
#include <span>

#include "engine/backend/context.h"
#include "engine/tensor/stored_rows.h"
#include "engine/tensor/weight_format.h"

namespace imagined::engine {

/// The weight [n, k] of a product: either rows of tensors where they lie, of which a product packs
/// one panel at a time while it works, or all panels, packed once. Whoever packs reports a NaN or
/// an infinity to the rows that hold it (StoredRows::watched). Immutable, shared by threads.
class MatmulWeight {
 public:
  struct Layout;
  struct Side;
  MatmulWeight() = default;
  explicit MatmulWeight(std::shared_ptr<const Layout> layout, std::int64_t n, std::int64_t k)
      : layout_(std::move(layout)), n_(n), k_(k) {}
  std::int64_t n() const { return n_; }  // output features
  std::int64_t k() const { return k_; }  // input features
  bool empty() const { return layout_ == nullptr; }
  /// Of all packed panels, also those at its side; 0 where rows are read in place.
  std::int64_t packed_bytes() const;
  const Layout& layout() const { return *layout_; }
  /// What is added to it (with_side); null where nothing is.
  const Side* side() const { return side_.get(); }

  /// The same weight and, beside it, something of low rank that is added to it: w + up . down.
  /// Neither is changed; the weight is shared.
  ///
  /// down  [r_i, k]  the rows of all parts one below the other are the r rows of `down`.
  /// up    [n, r] f32.
  MatmulWeight with_side(const Context& context, std::span<const StoredRows> down,
                         ConstMatrixView up) const;

 private:
  std::shared_ptr<const Layout> layout_;
  std::shared_ptr<const Side> side_;
  std::int64_t n_ = 0;
  std::int64_t k_ = 0;
};

/// The rows of all parts one below the other: parts {q, k, v} give one product. They stay where
/// they are. Packing a panel costs a product as much as multiplying some more rows: one or two with
/// vectors, some dozens with AMX.
///
/// parts   [n_i, k]  as a file holds them.
/// format  that the tiles multiply in.
/// owner   of the parts' bytes, kept as long as the weight.
MatmulWeight map_weight(const Context& context, std::span<const StoredRows> parts,
                        WeightFormat format, std::shared_ptr<const void> owner);

/// The same, with all panels packed now: for a weight that meets few rows at a time.
MatmulWeight pack_weight(const Context& context, std::span<const StoredRows> parts,
                         WeightFormat format);

/// What happens to a product before it is stored, in this order. Bias and gate may be empty.
struct MatmulEpilogue {
  ConstMatrixView bias;     // [1, n] f32, added
  ConstMatrixView gate;     // [1, n] f32, multiplied
  bool accumulate = false;  // added to what `out` holds (out must be f32)
};

/// Linear layer.
///
///   out[m][n] = (out[m][n] +) gate[n] * (sum_k x[m][k] * w[n][k] + side[m][n] + bias[n])
///   side[m][n] = sum_r up[n][r] * (sum_k x[m][k] * down[r][k]), where the weight has one
///
/// x    [m, k]  f32 or bf16. In bf16, on a machine that has such a product, f32 rows and weights
/// are
///              rounded to bf16 first; else everything is f32, the weights exactly as stored.
/// out  [m, n]  f32 or bf16; must not overlap x.
/// A weight in int8: both sides of a product are rounded to whole numbers, x row by row each time
/// and w once more whenever it is packed (to seven bits where there is nothing but AVX2), in blocks
/// of at most 3072 neighbours with a factor each (int8_block, quantise); sums of a block are exact.
/// Not what stands at the side, which is as in bf16. A row with a NaN or an infinity gives NaN.
/// Sums in f32, those of a side behind those of k; a fixed order of additions that does not depend
/// on the number of threads. Wrong shapes or dtypes are our bug: CHECK fails.
void matmul(const Context& context, ConstMatrixView x, const MatmulWeight& w, MatrixView out,
            const MatmulEpilogue& epilogue = {});

/// The slow twin: one loop in double over the unpacked weight.
void matmul_reference(ConstMatrixView x, ConstMatrixView w, MatrixView out,
                      const MatmulEpilogue& epilogue = {});

/// What a product in int8 makes of its rows, [rows, k] f32: each number as the multiple of its
/// factor, up to `largest` times. The twin of that product is matmul_reference of two such.
Tensor rounded_to_int8(ConstMatrixView rows, int largest = 127);

}  // namespace imagined::engine

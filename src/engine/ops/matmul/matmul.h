// Product of activations with a weight matrix that is packed once, at load.
#pragma once

#include <memory>
#include <span>

#include "engine/backend/context.h"
#include "engine/tensor/stored_rows.h"
#include "engine/tensor/weight_format.h"

namespace imagined::engine {

/// A weight [n, k] in the order that the machine's kernels read it. Immutable, shared by threads.
class PackedWeight {
 public:
  struct Layout;
  PackedWeight() = default;
  explicit PackedWeight(std::shared_ptr<const Layout> layout, std::int64_t n, std::int64_t k)
      : layout_(std::move(layout)), n_(n), k_(k) {}
  std::int64_t n() const { return n_; }  // output features
  std::int64_t k() const { return k_; }  // input features
  bool empty() const { return layout_ == nullptr; }
  std::int64_t size_bytes() const;
  /// Whether every number that was packed is finite.
  bool all_finite() const;
  const Layout& layout() const { return *layout_; }

 private:
  std::shared_ptr<const Layout> layout_;
  std::int64_t n_ = 0;
  std::int64_t k_ = 0;
};

/// Packs weights of the same k one below the other: parts {q, k, v} give one product.
/// parts   [n_i, k]  as a file holds them; read panel by panel, never decoded whole.
/// format  of the panels. bf16 halves the memory on every machine; on a machine without a bf16
///         product the panels are widened to f32 inside the kernel, so the product is exact in f32.
PackedWeight pack_weight(const Context& context, std::span<const StoredRows> parts,
                         WeightFormat format);

/// What happens to a product before it is stored, in this order. Bias and gate may be empty.
struct MatmulEpilogue {
  ConstMatrixView bias;     // [1, n] f32, added
  ConstMatrixView gate;     // [1, n] f32, multiplied
  bool accumulate = false;  // added to what `out` holds (out must be f32)
};

/// Linear layer.
///
///   out[m][n] = (out[m][n] +) gate[n] * (sum_k x[m][k] * w[n][k] + bias[n])
///
/// x    [m, k]  f32 or bf16. With weights in bf16 and a bf16 product in the machine, f32 rows
/// are
///              rounded to bf16 first; with weights in f32 everything is f32.
/// out  [m, n]  f32 or bf16; must not overlap x.
/// Sums in f32; a fixed order of additions that does not depend on the number of threads.
/// Wrong shapes or dtypes are our bug: CHECK fails.
void matmul(const Context& context, ConstMatrixView x, const PackedWeight& w, MatrixView out,
            const MatmulEpilogue& epilogue = {});

/// The slow twin: one loop in double over the unpacked weight.
void matmul_reference(ConstMatrixView x, ConstMatrixView w, MatrixView out,
                      const MatmulEpilogue& epilogue = {});

}  // namespace imagined::engine

#include "engine/ops/matmul/matmul.h"

#include <algorithm>

#include "engine/backend/choose.h"
#include "engine/ops/matmul/matmul_implementation.h"

namespace imagined::engine {
namespace {

bool readable(DType dtype) { return dtype == DType::f32 || dtype == DType::bf16; }

struct Shape {
  std::int64_t n = 0;
  std::int64_t k = 0;
};
Shape shape_of(std::span<const StoredRows> parts) {
  CHECK(!parts.empty(), "the weight of a product without parts");
  Shape shape{.k = parts.front().cols()};
  for (const StoredRows& part : parts) {
    CHECK(part.cols() == shape.k, "a part of a weight has k {}, not {}", part.cols(), shape.k);
    shape.n += part.rows();
  }
  return shape;
}

std::shared_ptr<MatmulWeight::Layout> make_layout(const Context& context,
                                                  std::span<const StoredRows> parts,
                                                  WeightFormat format) {
  auto layout = std::make_shared<MatmulWeight::Layout>();
  const std::string_view operation = format == WeightFormat::int8 ? "matmul_int8" : "matmul";
  layout->implementation = &choose(context, operation, matmul_implementations(), format);
  layout->format = format;
  layout->parts.assign(parts.begin(), parts.end());
  return layout;
}

std::int64_t bytes_of(const Tensor& panels) {
  return panels.rows() * panels.cols() * static_cast<std::int64_t>(size_bytes(panels.dtype()));
}

}  // namespace

std::int64_t MatmulWeight::packed_bytes() const {
  const std::int64_t own = bytes_of(layout_->panels);
  return side_ == nullptr ? own : own + side_->down.packed_bytes() + bytes_of(side_->up);
}

MatmulWeight MatmulWeight::with_side(const Context& context, std::span<const StoredRows> down,
                                     ConstMatrixView up) const {
  const auto [rank, k] = shape_of(down);
  CHECK(side_ == nullptr && k == k_ && up.rows == n_ && up.cols == rank && up.dtype == DType::f32,
        "a side of down [{}, {}] and up [{}, {}] for a weight [{}, {}]", rank, k, up.rows, up.cols,
        n_, k_);
  auto side = std::make_shared<Side>();
  side->rank = rank;
  const bool int8 = layout_->format == WeightFormat::int8;
  side->down = pack_weight(context, down, int8 ? WeightFormat::bf16 : layout_->format);
  Tensor padded = Tensor::zeros(n_, side->padded_rank());
  for (std::int64_t row = 0; row < n_; ++row) {
    std::copy_n(up.row<float>(row), rank, padded.row(row));
  }
  const StoredRows rows(padded);
  side->up = layout_->implementation->pack_side(context, n_, padded.cols(), {&rows, 1});
  MatmulWeight weight = *this;
  weight.side_ = std::move(side);
  return weight;
}

MatmulWeight map_weight(const Context& context, std::span<const StoredRows> parts,
                        WeightFormat format, std::shared_ptr<const void> owner) {
  const auto [n, k] = shape_of(parts);
  auto layout = make_layout(context, parts, format);
  layout->owner = std::move(owner);
  return MatmulWeight(std::move(layout), n, k);
}

MatmulWeight pack_weight(const Context& context, std::span<const StoredRows> parts,
                         WeightFormat format) {
  const auto [n, k] = shape_of(parts);
  auto layout = make_layout(context, parts, format);
  layout->panels = layout->implementation->pack(context, n, k, parts, format);
  layout->parts.clear();
  return MatmulWeight(std::move(layout), n, k);
}

void matmul(const Context& context, ConstMatrixView x, const MatmulWeight& w, MatrixView out,
            const MatmulEpilogue& epilogue) {
  CHECK(!w.empty() && x.cols == w.k() && out.rows == x.rows && out.cols == w.n(),
        "matmul: x [{}, {}], w [{}, {}], out [{}, {}]", x.rows, x.cols, w.n(), w.k(), out.rows,
        out.cols);
  CHECK(readable(x.dtype) && readable(out.dtype), "matmul: x {}, out {}", name(x.dtype),
        name(out.dtype));
  for (const ConstMatrixView& vector : {epilogue.bias, epilogue.gate}) {
    if (vector.data != nullptr) vector_values(vector, w.n(), "matmul: bias or gate");
  }
  CHECK(!epilogue.accumulate || out.dtype == DType::f32, "matmul: accumulates in {}",
        name(out.dtype));
  CHECK(x.stride >= x.cols && out.stride >= out.cols, "matmul: strides {} and {}", x.stride,
        out.stride);
  CHECK(!context.pool().inside_task(), "matmul: called from inside a task");
  if (x.rows == 0 || w.n() == 0) return;
  Tensor side;
  if (w.side() != nullptr) {
    side = Tensor(x.rows, w.side()->rank);
    matmul(context, x, w.side()->down, side);
  }
  w.layout().implementation->run(context, x, side, w, out, epilogue);
}

}  // namespace imagined::engine

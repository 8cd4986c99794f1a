#include "engine/ops/matmul/matmul.h"

#include "engine/backend/choose.h"
#include "engine/ops/matmul/matmul_implementation.h"

namespace imagined::engine {
namespace {

bool readable(DType dtype) { return dtype == DType::f32 || dtype == DType::bf16; }

}  // namespace

std::int64_t PackedWeight::size_bytes() const {
  const Tensor& panels = layout_->panels;
  return panels.rows() * panels.cols() *
         static_cast<std::int64_t>(engine::size_bytes(panels.dtype()));
}

bool PackedWeight::all_finite() const { return layout_->all_finite; }

PackedWeight pack_weight(const Context& context, std::span<const StoredRows> parts,
                         WeightFormat format) {
  CHECK(!parts.empty(), "pack_weight: no parts");
  const std::int64_t k = parts.front().cols();
  std::int64_t n = 0;
  for (const StoredRows& part : parts) {
    CHECK(part.cols() == k, "pack_weight: a part has k {}, not {}", part.cols(), k);
    n += part.rows();
  }
  auto layout = std::make_shared<PackedWeight::Layout>();
  layout->implementation = &choose(context, "matmul", matmul_implementations(), format);
  layout->format = format;
  layout->implementation->pack(context, parts, n, k, *layout);
  return PackedWeight(std::move(layout), n, k);
}

void matmul(const Context& context, ConstMatrixView x, const PackedWeight& w, MatrixView out,
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
  w.layout().implementation->run(context, x, w, out, epilogue);
}

}  // namespace imagined::engine

// The slow twin, and the implementation of last resort built on it.
#include "engine/ops/matmul/matmul_implementation.h"
#include "engine/tensor/element.h"

namespace imagined::engine {
namespace {

void reference_columns(ConstMatrixView x, ConstMatrixView w, MatrixView out,
                       const MatmulEpilogue& epilogue, std::int64_t begin, std::int64_t end) {
  for (std::int64_t m = 0; m < x.rows; ++m) {
    for (std::int64_t n = begin; n < end; ++n) {
      double sum = 0;
      for (std::int64_t k = 0; k < x.cols; ++k) {
        sum += static_cast<double>(read_element(x, m, k)) * read_element(w, n, k);
      }
      if (epilogue.bias.data != nullptr) sum += read_element(epilogue.bias, 0, n);
      if (epilogue.gate.data != nullptr) sum *= read_element(epilogue.gate, 0, n);
      if (epilogue.accumulate) sum += read_element(out, m, n);
      write_element(out, m, n, static_cast<float>(sum));
    }
  }
}

void pack_rows(const Context&, std::span<const StoredRows> parts, std::int64_t n, std::int64_t k,
               PackedWeight::Layout& packed) {
  packed.panels = Tensor(n, k, element_type(packed.format));
  const MatrixView rows = packed.panels;
  std::int64_t first = 0;
  for (const StoredRows& part : parts) {
    decode_rows(part, rows.row_range(first, part.rows()));
    first += part.rows();
  }
  const auto bytes = static_cast<std::size_t>(n * k) * size_bytes(rows.dtype);
  packed.all_finite = all_finite({static_cast<const std::byte*>(rows.data), bytes}, rows.dtype);
}

void run_reference(const Context& context, ConstMatrixView x, const PackedWeight& w, MatrixView out,
                   const MatmulEpilogue& epilogue) {
  const ConstMatrixView rows = w.layout().panels;
  context.pool().parallel_for(w.n(), 16, [&](std::int64_t begin, std::int64_t end, int) {
    reference_columns(x, rows, out, epilogue, begin, end);
  });
}

}  // namespace

void matmul_reference(ConstMatrixView x, ConstMatrixView w, MatrixView out,
                      const MatmulEpilogue& epilogue) {
  CHECK(x.cols == w.cols && out.rows == x.rows && out.cols == w.rows,
        "matmul_reference: x [{}, {}], w [{}, {}], out [{}, {}]", x.rows, x.cols, w.rows, w.cols,
        out.rows, out.cols);
  reference_columns(x, w, out, epilogue, 0, w.rows);
}

const MatmulImplementation kMatmulReference = {
    .name = "reference",
    .runs_on = [](const CpuFeatures&, WeightFormat) { return true; },
    .pack = pack_rows,
    .run = run_reference,
};

}  // namespace imagined::engine

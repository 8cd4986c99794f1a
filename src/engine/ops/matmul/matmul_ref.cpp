// The slow twin, and the implementation of last resort built on it.
#include <algorithm>

#include "engine/ops/matmul/matmul_implementation.h"
#include "engine/tensor/element.h"

namespace imagined::engine {
namespace {

double dot(ConstMatrixView a, std::int64_t m, ConstMatrixView b, std::int64_t n) {
  double sum = 0;
  for (std::int64_t k = 0; k < a.cols; ++k) {
    sum += static_cast<double>(read_element(a, m, k)) * read_element(b, n, k);
  }
  return sum;
}

/// Columns of the result from `begin` on, one for each row of w; side . up is added where there is
/// one.
void reference_columns(ConstMatrixView x, ConstMatrixView w, ConstMatrixView side,
                       ConstMatrixView up, MatrixView out, const MatmulEpilogue& epilogue,
                       std::int64_t begin) {
  for (std::int64_t m = 0; m < x.rows; ++m) {
    for (std::int64_t n = begin; n < begin + w.rows; ++n) {
      double sum = dot(x, m, w, n - begin);
      if (side.data != nullptr) sum += dot(side, m, up, n);
      if (epilogue.bias.data != nullptr) sum += read_element(epilogue.bias, 0, n);
      if (epilogue.gate.data != nullptr) sum *= read_element(epilogue.gate, 0, n);
      if (epilogue.accumulate) sum += read_element(out, m, n);
      write_element(out, m, n, static_cast<float>(sum));
    }
  }
}

/// Rows [first, first + count) of the parts, as the product multiplies them.
Tensor decoded_rows(std::span<const StoredRows> parts, WeightFormat format, std::int64_t first,
                    std::int64_t count, std::int64_t k) {
  Tensor rows(count, k, element_type(format));
  const std::int64_t last = first + count;
  std::int64_t begin = 0;  // of a part
  for (const StoredRows& part : parts) {
    const std::int64_t from = std::max(first, begin);
    const std::int64_t taken = std::min(last, begin + part.rows()) - from;
    if (taken > 0) {
      const StoredRows stored = part.row_range(from - begin, taken);
      decode_rows(stored, rows.view().row_range(from - first, taken));
      if (!all_finite(stored)) stored.report_not_finite();
    }
    begin += part.rows();
  }
  return rows;
}

Tensor pack_rows(const Context&, std::int64_t n, std::int64_t k, std::span<const StoredRows> parts,
                 WeightFormat format) {
  return decoded_rows(parts, format, 0, n, k);
}

void run_reference(const Context& context, ConstMatrixView x, ConstMatrixView side,
                   const MatmulWeight& w, MatrixView out, const MatmulEpilogue& epilogue) {
  const MatmulWeight::Layout& layout = w.layout();
  const ConstMatrixView up = w.side() == nullptr ? ConstMatrixView() : w.side()->up.view();
  context.pool().parallel_for(w.n(), 16, [&](std::int64_t begin, std::int64_t end, int) {
    Tensor decoded;
    if (!layout.packed()) {
      decoded = decoded_rows(layout.parts, layout.format, begin, end - begin, w.k());
    }
    const ConstMatrixView rows =
        layout.packed() ? layout.panels.view().row_range(begin, end - begin) : decoded.view();
    reference_columns(x, rows, side, up, out, epilogue, begin);
  });
}

}  // namespace

void matmul_reference(ConstMatrixView x, ConstMatrixView w, MatrixView out,
                      const MatmulEpilogue& epilogue) {
  CHECK(x.cols == w.cols && out.rows == x.rows && out.cols == w.rows,
        "matmul_reference: x [{}, {}], w [{}, {}], out [{}, {}]", x.rows, x.cols, w.rows, w.cols,
        out.rows, out.cols);
  reference_columns(x, w, {}, {}, out, epilogue, 0);
}

const MatmulImplementation kMatmulReference = {
    .name = "reference",
    .runs_on = [](const CpuFeatures&, WeightFormat) { return true; },
    .pack = pack_rows,
    .run = run_reference,
};

}  // namespace imagined::engine

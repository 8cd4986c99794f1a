// The slow twin, and the implementation of last resort built on it.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/backend/cpu/tile/int8_block.h"
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

/// A block of a row as quantise() says.
void round_block(ConstMatrixView row, std::int64_t first, std::int64_t count, float levels,
                 float* out) {
  float largest = 0;
  bool finite = true;
  for (std::int64_t c = 0; c < count; ++c) {
    const float magnitude = std::abs(read_element(row, 0, first + c));
    finite &= std::isfinite(magnitude);
    largest = std::max(largest, magnitude);
  }
  const float factor = finite ? largest / levels : std::numeric_limits<float>::quiet_NaN();
  const float inverse = largest < 0x1p-119f ? 0 : levels / largest;
  for (std::int64_t c = 0; c < count; ++c) {
    const float whole = std::nearbyint(read_element(row, 0, first + c) * inverse);
    out[c] = finite ? whole * factor : factor;
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
  return format == WeightFormat::int8 ? rounded_to_int8(rows) : std::move(rows);
}

Tensor pack_rows(const Context&, std::int64_t n, std::int64_t k, std::span<const StoredRows> parts,
                 WeightFormat format) {
  return decoded_rows(parts, format, 0, n, k);
}

Tensor pack_side_rows(const Context& context, std::int64_t n, std::int64_t k,
                      std::span<const StoredRows> parts) {
  return pack_rows(context, n, k, parts, WeightFormat::f32);
}

void run_reference(const Context& context, ConstMatrixView x, ConstMatrixView side,
                   const MatmulWeight& w, MatrixView out, const MatmulEpilogue& epilogue) {
  const MatmulWeight::Layout& layout = w.layout();
  Tensor rounded;
  if (layout.format == WeightFormat::int8) rounded = rounded_to_int8(x);
  const ConstMatrixView read = rounded.empty() ? x : rounded.view();
  const ConstMatrixView up = w.side() == nullptr ? ConstMatrixView() : w.side()->up.view();
  context.pool().parallel_for(w.n(), 16, [&](std::int64_t begin, std::int64_t end, int) {
    Tensor decoded;
    if (!layout.packed()) {
      decoded = decoded_rows(layout.parts, layout.format, begin, end - begin, w.k());
    }
    const ConstMatrixView rows =
        layout.packed() ? layout.panels.view().row_range(begin, end - begin) : decoded.view();
    reference_columns(read, rows, side, up, out, epilogue, begin);
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

Tensor rounded_to_int8(ConstMatrixView rows, int largest) {
  Tensor out(rows.rows, rows.cols);
  const std::int64_t block = int8_block(rows.cols);
  for (std::int64_t r = 0; r < rows.rows; ++r) {
    for (std::int64_t first = 0; first < rows.cols; first += block) {
      round_block(rows.row_range(r, 1), first, std::min(block, rows.cols - first),
                  static_cast<float>(largest), out.row(r) + first);
    }
  }
  return out;
}

const MatmulImplementation kMatmulReference = {
    .name = "reference",
    .runs_on = [](const CpuFeatures&, WeightFormat) { return true; },
    .pack = pack_rows,
    .pack_side = pack_side_rows,
    .run = run_reference,
};

}  // namespace imagined::engine

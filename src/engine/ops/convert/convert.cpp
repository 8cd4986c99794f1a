#include "engine/ops/convert/convert.h"

#include <atomic>

#include "engine/backend/cpu/rows.h"
#include "engine/ops/convert/convert_cpu.h"

namespace imagined::engine {
namespace {

void check_same_f32(const char* operation, const ConstMatrixView& in, const MatrixView& out) {
  CHECK(in.dtype == DType::f32 && out.dtype == DType::f32, "{} of {} into {}", operation,
        name(in.dtype), name(out.dtype));
  CHECK(in.rows == out.rows && in.cols == out.cols, "{} [{}, {}] into [{}, {}]", operation, in.rows,
        in.cols, out.rows, out.cols);
}

bool is_dense(const ConstMatrixView& m) { return m.stride == m.cols; }

const std::byte* bytes_at(const ConstMatrixView& m, std::int64_t row, std::int64_t col) {
  return static_cast<const std::byte*>(m.data) +
         static_cast<std::size_t>(row * m.stride + col) * size_bytes(m.dtype);
}

}  // namespace

void convert(const Context& context, ConstMatrixView in, MatrixView out) {
  CHECK(in.dtype == DType::f32 || in.dtype == DType::bf16 || in.dtype == DType::f16,
        "convert from {}", name(in.dtype));
  CHECK(out.dtype == DType::f32 || out.dtype == DType::bf16, "convert to {}", name(out.dtype));
  CHECK(in.rows == out.rows && in.cols == out.cols, "convert [{}, {}] into [{}, {}]", in.rows,
        in.cols, out.rows, out.cols);
  for_element_spans(context, in.rows, in.cols, is_dense(in) && is_dense(out),
                    [&](std::int64_t row, std::int64_t first, std::int64_t count) {
                      auto* to = static_cast<std::byte*>(out.data) +
                                 static_cast<std::size_t>(row * out.stride + first) *
                                     size_bytes(out.dtype);
                      convert_cpu(bytes_at(in, row, first), in.dtype,
                                  static_cast<std::size_t>(count), to, out.dtype);
                    });
}

void add_scaled(const Context& context, ConstMatrixView in, float factor, MatrixView out) {
  check_same_f32("add_scaled", in, out);
  for_element_spans(context, in.rows, in.cols, is_dense(in) && is_dense(out),
                    [&](std::int64_t row, std::int64_t first, std::int64_t count) {
                      add_scaled_cpu(in.row<float>(row) + first, factor,
                                     static_cast<std::size_t>(count), out.row<float>(row) + first);
                    });
}

void affine_columns(const Context& context, ConstMatrixView in, ConstMatrixView scale,
                    ConstMatrixView shift, MatrixView out) {
  check_same_f32("affine_columns", in, out);
  const float* const factors = vector_values(scale, in.cols, "affine_columns: scale");
  const float* const summands = vector_values(shift, in.cols, "affine_columns: shift");
  for_row_pieces(context, in.rows, in.cols * 8, [&](std::int64_t first, std::int64_t count) {
    for (std::int64_t r = first; r < first + count; ++r) {
      affine_cpu(in.row<float>(r), factors, summands, static_cast<std::size_t>(in.cols),
                 out.row<float>(r));
    }
  });
}

void pixels_to_signal(const Context& context, const std::uint8_t* pixels, MatrixView out) {
  CHECK(out.dtype == DType::f32, "pixels into {}", name(out.dtype));
  for_element_spans(context, out.rows, out.cols, is_dense(out),
                    [&](std::int64_t row, std::int64_t first, std::int64_t count) {
                      pixels_to_signal_cpu(pixels + row * out.cols + first,
                                           static_cast<std::size_t>(count),
                                           out.row<float>(row) + first);
                    });
}

void signal_to_pixels(const Context& context, ConstMatrixView in, std::uint8_t* pixels) {
  CHECK(in.dtype == DType::f32, "pixels from {}", name(in.dtype));
  for_element_spans(context, in.rows, in.cols, is_dense(in),
                    [&](std::int64_t row, std::int64_t first, std::int64_t count) {
                      signal_to_pixels_cpu(in.row<float>(row) + first,
                                           static_cast<std::size_t>(count),
                                           pixels + row * in.cols + first);
                    });
}

bool all_finite(const Context& context, ConstMatrixView x) {
  CHECK(x.dtype == DType::f32, "all_finite of {}", name(x.dtype));
  std::atomic<bool> finite = true;
  for_element_spans(
      context, x.rows, x.cols, is_dense(x),
      [&](std::int64_t row, std::int64_t first, std::int64_t count) {
        if (!all_finite_cpu(x.row<float>(row) + first, static_cast<std::size_t>(count))) {
          finite.store(false, std::memory_order_relaxed);
        }
      });
  return finite.load();
}

}  // namespace imagined::engine

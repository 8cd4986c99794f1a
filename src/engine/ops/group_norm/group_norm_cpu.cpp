#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/ops/group_norm/group_norm_cpu.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h

#include <hwy/highway.h>

#include "engine/backend/cpu/lanes_inl.h"
#include "engine/backend/cpu/vector_math_inl.h"
#include "engine/ops/group_norm/group_norm_cpu.h"

HWY_BEFORE_NAMESPACE();
namespace imagined::engine::HWY_NAMESPACE {
namespace {

/// One value per lane of a double vector, widened.
template <class D>
HWY_INLINE hn::Vec<D> load_double(D d, const float* from) {
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<float, D>(), from));
}
template <class D>
HWY_INLINE hn::Vec<D> load_double(D d, const Bf16* from) {
  const hn::Rebind<float, D> df;
  const hn::Rebind<std::uint32_t, D> du;
  const hn::Rebind<std::uint16_t, D> du16;
  const auto halves = hn::LoadU(du16, reinterpret_cast<const std::uint16_t*>(from));
  return hn::PromoteTo(d, hn::BitCast(df, hn::ShiftLeft<16>(hn::PromoteTo(du, halves))));
}

inline double widened(float value) { return value; }
inline double widened(Bf16 value) { return to_float(value); }

/// Adds the columns first .. first + kVectors * lanes - 1 of a few rows to their sums.
template <int kVectors, class In>
HWY_INLINE void add_columns(const In* in, std::int64_t rows, std::int64_t stride, double* sums,
                            double* squares) {
  const hn::ScalableTag<double> d;
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<decltype(d)> sum[kVectors];
  hn::Vec<decltype(d)> square[kVectors];
  for (int v = 0; v < kVectors; ++v) {
    sum[v] = hn::LoadU(d, sums + static_cast<std::size_t>(v) * lanes);
    square[v] = hn::LoadU(d, squares + static_cast<std::size_t>(v) * lanes);
  }
  for (std::int64_t r = 0; r < rows; ++r, in += stride) {
    for (int v = 0; v < kVectors; ++v) {
      const auto x = load_double(d, in + static_cast<std::size_t>(v) * lanes);
      sum[v] = hn::Add(sum[v], x);
      square[v] = hn::MulAdd(x, x, square[v]);
    }
  }
  for (int v = 0; v < kVectors; ++v) {
    hn::StoreU(sum[v], d, sums + static_cast<std::size_t>(v) * lanes);
    hn::StoreU(square[v], d, squares + static_cast<std::size_t>(v) * lanes);
  }
}

/// Adds `rows` rows to the sums of all columns.
template <class In>
void add_rows(const In* in, std::int64_t rows, std::int64_t stride, std::size_t columns,
              double* sums, double* squares) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<double>());
  std::size_t c = 0;
  for (; c + 4 * lanes <= columns; c += 4 * lanes) {
    add_columns<4>(in + c, rows, stride, sums + c, squares + c);
  }
  for (; c + lanes <= columns; c += lanes) {
    add_columns<1>(in + c, rows, stride, sums + c, squares + c);
  }
  for (; c < columns; ++c) {
    for (std::int64_t r = 0; r < rows; ++r) {
      const double x = widened(in[static_cast<std::size_t>(r * stride) + c]);
      sums[c] += x;
      squares[c] += x * x;
    }
  }
}

/// Sums stay in registers for as many rows as are added together. These come from as many parts of
/// the picture, read each from its beginning to its end: neighbouring rows would be read in pieces
/// of 128 bytes all over a page, where the prefetcher sees no stream (2.5 times slower).
template <class In>
void column_sums_of(const ConstMatrixView& in, double* sums, double* squares) {
  constexpr std::int64_t kParts = 4;
  const auto columns = static_cast<std::size_t>(in.cols);
  for (std::size_t c = 0; c < columns; ++c) sums[c] = squares[c] = 0;
  const std::int64_t part = in.rows / kParts;
  for (std::int64_t r = 0; r < part; ++r) {
    add_rows(in.row<In>(r), kParts, part * in.stride, columns, sums, squares);
  }
  if (part * kParts < in.rows) {
    add_rows(in.row<In>(part * kParts), in.rows - part * kParts, in.stride, columns, sums, squares);
  }
}

void column_sums(const ConstMatrixView& in, double* sums, double* squares) {
  if (in.dtype == DType::f32) return column_sums_of<float>(in, sums, squares);
  column_sums_of<Bf16>(in, sums, squares);
}

template <bool kSilu, class In, class Out>
void affine_row(const In* in, const float* scale, const float* shift, std::size_t channels,
                Out* out) {
  write_row(channels, out, [=](std::size_t i, std::size_t n) HWY_ATTR {
    const Floats y = hn::MulAdd(load(in + i, n), load(scale + i, n), load(shift + i, n));
    return kSilu ? silu(Lanes(), y) : y;
  });
}

template <bool kSilu, class In>
void affine_rows_into(const ConstMatrixView& in, const float* scale, const float* shift,
                      const MatrixView& out) {
  const auto channels = static_cast<std::size_t>(in.cols);
  for (std::int64_t r = 0; r < in.rows; ++r) {
    if (out.dtype == DType::f32) {
      affine_row<kSilu>(in.row<In>(r), scale, shift, channels, out.row<float>(r));
    } else {
      affine_row<kSilu>(in.row<In>(r), scale, shift, channels, out.row<Bf16>(r));
    }
  }
}

void affine_silu_rows(const ConstMatrixView& in, const float* scale, const float* shift, bool silu,
                      const MatrixView& out) {
  const bool narrow = in.dtype == DType::bf16;
  if (silu) {
    narrow ? affine_rows_into<true, Bf16>(in, scale, shift, out)
           : affine_rows_into<true, float>(in, scale, shift, out);
  } else {
    narrow ? affine_rows_into<false, Bf16>(in, scale, shift, out)
           : affine_rows_into<false, float>(in, scale, shift, out);
  }
}

}  // namespace
}  // namespace imagined::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imagined::engine {
HWY_EXPORT(column_sums);
HWY_EXPORT(affine_silu_rows);

void column_sums_cpu(ConstMatrixView in, double* sums, double* squares) {
  HWY_DYNAMIC_DISPATCH(column_sums)(in, sums, squares);
}

void affine_silu_cpu(ConstMatrixView in, const float* scale, const float* shift, bool silu,
                     MatrixView out) {
  HWY_DYNAMIC_DISPATCH(affine_silu_rows)(in, scale, shift, silu, out);
}

}  // namespace imagined::engine
#endif

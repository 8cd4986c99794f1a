#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/ops/sharpen_edges/sharpen_edges_cpu.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h

#include <hwy/highway.h>

#include "engine/ops/sharpen_edges/sharpen_edges_cpu.h"

HWY_BEFORE_NAMESPACE();
namespace imagined::engine::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using Lanes = hn::ScalableTag<float>;
using Whole = hn::RebindToSigned<Lanes>;
using Words = hn::RebindToUnsigned<Lanes>;
using Floats = hn::Vec<Lanes>;

HWY_INLINE Floats of(float value) { return hn::Set(Lanes(), value); }

/// A byte of each word as a number.
template <int kShift>
HWY_INLINE Floats channel(hn::Vec<Words> words) {
  const auto byte = hn::And(hn::ShiftRight<kShift>(words), hn::Set(Words(), 0xffu));
  return hn::ConvertTo(Lanes(), hn::BitCast(Whole(), byte));
}

void brightness(const std::uint32_t* pixels, std::size_t count, float* to) {
  for (std::size_t i = 0; i < count; i += hn::Lanes(Lanes())) {
    const auto words = hn::LoadU(Words(), pixels + i);
    const Floats red = hn::Mul(channel<0>(words), of(0.299f));
    const Floats green = hn::MulAdd(channel<8>(words), of(0.587f), red);
    hn::StoreU(hn::MulAdd(channel<16>(words), of(0.114f), green), Lanes(), to + i);
  }
}

void weighted_rows(const float* const* rows, std::span<const float> weights, std::size_t count,
                   float* to) {
  for (std::size_t i = 0; i < count; i += hn::Lanes(Lanes())) {
    Floats sum = hn::Zero(Lanes());
    for (std::size_t k = 0; k < weights.size(); ++k) {
      sum = hn::MulAdd(hn::LoadU(Lanes(), rows[k] + i), of(weights[k]), sum);
    }
    hn::StoreU(sum, Lanes(), to + i);
  }
}

/// Where between its pixels a place lies: index of the corner above and left, and how far from it.
struct Place {
  hn::Vec<Whole> corner;
  Floats part;
};

HWY_INLINE Place place(Floats at, std::int32_t size) {
  const Floats inside = hn::Min(hn::Max(at, hn::Zero(Lanes())), of(static_cast<float>(size - 1)));
  const auto corner = hn::Min(hn::ConvertTo(Whole(), inside), hn::Set(Whole(), size - 2));
  return {corner, hn::Sub(inside, hn::ConvertTo(Lanes(), corner))};
}

struct Corners {
  hn::Vec<Words> above_left, above_right, below_left, below_right;
};

HWY_INLINE Floats towards(Floats from, Floats to, Floats part) {
  return hn::MulAdd(hn::Sub(to, from), part, from);
}

/// One channel between the corners, in its place in the word.
template <int kShift>
HWY_INLINE hn::Vec<Words> blended(const Corners& at, Floats right, Floats low) {
  const Floats above =
      towards(channel<kShift>(at.above_left), channel<kShift>(at.above_right), right);
  const Floats below =
      towards(channel<kShift>(at.below_left), channel<kShift>(at.below_right), right);
  const auto byte = hn::BitCast(Words(), hn::NearestInt(towards(above, below, low)));
  return hn::ShiftLeft<kShift>(byte);
}

struct Offset {
  Floats x, y;
};

/// smooth  the place of the first pixel.
HWY_INLINE Offset away_from_edge(const float* smooth, std::size_t stride,
                                 const EdgeSharpening& how) {
  const Lanes d;
  const float *above = smooth - stride, *below = smooth + stride;
  const Floats middle = hn::LoadU(d, smooth), half = of(0.5f);
  const Floats left = hn::LoadU(d, smooth - 1), right = hn::LoadU(d, smooth + 1);
  const Floats up = hn::LoadU(d, above), down = hn::LoadU(d, below);
  const Floats gx = hn::Mul(hn::Sub(right, left), half);
  const Floats gy = hn::Mul(hn::Sub(down, up), half);
  const Floats twice = hn::Add(middle, middle);
  const Floats gxx = hn::Sub(hn::Add(left, right), twice);
  const Floats gyy = hn::Sub(hn::Add(up, down), twice);
  const Floats falling = hn::Add(hn::LoadU(d, below + 1), hn::LoadU(d, above - 1));
  const Floats rising = hn::Add(hn::LoadU(d, above + 1), hn::LoadU(d, below - 1));
  const Floats gxy = hn::Mul(hn::Sub(falling, rising), of(0.25f));

  // A flat area has no direction; this keeps it from being 0 / 0 and moves nothing that can be
  // seen.
  const Floats square = hn::MulAdd(gx, gx, hn::MulAdd(gy, gy, of(1e-9f)));
  const Floats slope = hn::Sqrt(square);
  const Floats bend =
      hn::MulAdd(hn::Mul(gx, gx), gxx,
                 hn::MulAdd(hn::Mul(hn::Add(gx, gx), gy), gxy, hn::Mul(hn::Mul(gy, gy), gyy)));
  const Floats steepness = of(static_cast<float>(-2 * how.sigma * how.sigma));
  const Floats asked = hn::Div(hn::Mul(steepness, bend), hn::Mul(square, slope));
  const Floats side = hn::Min(hn::Max(asked, of(-1.0f)), of(1.0f));
  const Floats weak = hn::Add(square, of(static_cast<float>(how.weak * how.weak)));
  const Floats reach = hn::Mul(hn::Mul(side, of(static_cast<float>(how.reach))), slope);
  const Floats length = hn::Div(reach, weak);  // over the slope: the gradient has it once more
  return {hn::Mul(length, gx), hn::Mul(length, gy)};
}

void sharpen_row(const SharpenPass& pass, std::int32_t y, std::uint32_t* to) {
  const Lanes d;
  const float* smooth = pass.smooth + (static_cast<std::size_t>(y) + 1) * pass.stride + 1;
  const auto row_words = hn::Set(Whole(), pass.width);
  for (std::int32_t x = 0; x < pass.width; x += static_cast<std::int32_t>(hn::Lanes(d))) {
    const Offset offset = away_from_edge(smooth + x, pass.stride, pass.how);
    const Place across = place(hn::Add(hn::Iota(d, static_cast<float>(x)), offset.x), pass.width);
    const Place down = place(hn::Add(of(static_cast<float>(y)), offset.y), pass.height);
    const auto first = hn::Add(hn::Mul(down.corner, row_words), across.corner);
    const auto second = hn::Add(first, row_words);
    const Words dw;
    const Corners corners = {
        hn::GatherIndex(dw, pass.pixels, first), hn::GatherIndex(dw, pass.pixels + 1, first),
        hn::GatherIndex(dw, pass.pixels, second), hn::GatherIndex(dw, pass.pixels + 1, second)};
    const auto red = blended<0>(corners, across.part, down.part);
    const auto green = blended<8>(corners, across.part, down.part);
    const auto blue = blended<16>(corners, across.part, down.part);
    hn::StoreU(hn::Or(red, hn::Or(green, blue)), dw, to + x);
  }
}

}  // namespace
}  // namespace imagined::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imagined::engine {
HWY_EXPORT(brightness);
HWY_EXPORT(weighted_rows);
HWY_EXPORT(sharpen_row);

void brightness_cpu(const std::uint32_t* pixels, std::size_t count, float* to) {
  HWY_DYNAMIC_DISPATCH(brightness)(pixels, count, to);
}

void weighted_rows_cpu(const float* const* rows, std::span<const float> weights, std::size_t count,
                       float* to) {
  HWY_DYNAMIC_DISPATCH(weighted_rows)(rows, weights, count, to);
}

void sharpen_row_cpu(const SharpenPass& pass, std::int32_t y, std::uint32_t* to) {
  HWY_DYNAMIC_DISPATCH(sharpen_row)(pass, y, to);
}

}  // namespace imagined::engine
#endif

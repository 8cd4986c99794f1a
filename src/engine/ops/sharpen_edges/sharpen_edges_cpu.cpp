#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/ops/sharpen_edges/sharpen_edges_cpu.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h

#include <hwy/highway.h>

#include "engine/ops/sharpen_edges/sharpen_edges_cpu.h"

HWY_BEFORE_NAMESPACE();
namespace imagined::engine::HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
using Bytes = hn::Rebind<std::uint8_t, D>;
template <class D>
using Words = hn::RebindToUnsigned<D>;
template <class D>
using Whole = hn::RebindToSigned<D>;

/// step(d, i) for all places of a row: of a whole vector, and of one number each at the end.
template <class Step>
HWY_INLINE void along_row(std::size_t count, const Step& step) {
  const hn::ScalableTag<float> d;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= count; i += hn::Lanes(d)) step(d, i);
  for (; i < count; ++i) step(hn::CappedTag<float, 1>(), i);
}

template <class D>
HWY_INLINE hn::Vec<D> numbers(D d, hn::Vec<Bytes<D>> bytes) {
  return hn::ConvertTo(d, hn::PromoteTo(Whole<D>(), bytes));
}

void brightness(const std::uint8_t* pixels, std::size_t count, float* to) {
  along_row(count, [=](auto d, std::size_t i) HWY_ATTR {
    using D = decltype(d);
    hn::Vec<Bytes<D>> red, green, blue;
    hn::LoadInterleaved3(Bytes<D>(), pixels + 3 * i, red, green, blue);
    const auto warm = hn::MulAdd(numbers(d, green), hn::Set(d, 0.587f),
                                 hn::Mul(numbers(d, red), hn::Set(d, 0.299f)));
    hn::StoreU(hn::MulAdd(numbers(d, blue), hn::Set(d, 0.114f), warm), d, to + i);
  });
}

void weighted_rows(const float* const* rows, std::span<const float> weights, std::size_t count,
                   float* to) {
  along_row(count, [=](auto d, std::size_t i) HWY_ATTR {
    auto sum = hn::Zero(d);
    for (std::size_t k = 0; k < weights.size(); ++k) {
      sum = hn::MulAdd(hn::LoadU(d, rows[k] + i), hn::Set(d, weights[k]), sum);
    }
    hn::StoreU(sum, d, to + i);
  });
}

/// How far to look from each pixel, in pixels.
template <class D>
struct Offset {
  hn::Vec<D> x, y;
};

/// smooth  the place of the first pixel.
template <class D>
HWY_INLINE Offset<D> away_from_edge(D d, const float* smooth, std::size_t stride,
                                    const EdgeSharpening& how) {
  const float *above = smooth - stride, *below = smooth + stride;
  const auto middle = hn::LoadU(d, smooth), half = hn::Set(d, 0.5f);
  const auto left = hn::LoadU(d, smooth - 1), right = hn::LoadU(d, smooth + 1);
  const auto up = hn::LoadU(d, above), down = hn::LoadU(d, below);
  const auto gx = hn::Mul(hn::Sub(right, left), half);
  const auto gy = hn::Mul(hn::Sub(down, up), half);
  const auto twice = hn::Add(middle, middle);
  const auto gxx = hn::Sub(hn::Add(left, right), twice);
  const auto gyy = hn::Sub(hn::Add(up, down), twice);
  const auto falling = hn::Add(hn::LoadU(d, below + 1), hn::LoadU(d, above - 1));
  const auto rising = hn::Add(hn::LoadU(d, above + 1), hn::LoadU(d, below - 1));
  const auto gxy = hn::Mul(hn::Sub(falling, rising), hn::Set(d, 0.25f));

  // A flat area has no direction; this keeps it from being 0 / 0 and moves nothing that can be
  // seen.
  const auto square = hn::MulAdd(gx, gx, hn::MulAdd(gy, gy, hn::Set(d, 1e-9f)));
  const auto slope = hn::Sqrt(square);
  const auto bend =
      hn::MulAdd(hn::Mul(gx, gx), gxx,
                 hn::MulAdd(hn::Mul(hn::Add(gx, gx), gy), gxy, hn::Mul(hn::Mul(gy, gy), gyy)));
  const auto steepness = hn::Set(d, static_cast<float>(-2 * how.sigma * how.sigma));
  const auto asked = hn::Div(hn::Mul(steepness, bend), hn::Mul(square, slope));
  const auto side = hn::Min(hn::Max(asked, hn::Set(d, -1.0f)), hn::Set(d, 1.0f));
  const auto weak = hn::Add(square, hn::Set(d, static_cast<float>(how.weak * how.weak)));
  const auto reach = hn::Mul(hn::Mul(side, hn::Set(d, static_cast<float>(how.reach))), slope);
  const auto length = hn::Div(reach, weak);  // over the slope: the gradient has it once more
  return {hn::Mul(length, gx), hn::Mul(length, gy)};
}

/// Where between pixels a place lies: the one before it, not the last, and how far behind that.
template <class D>
struct Place {
  hn::Vec<Whole<D>> before;
  hn::Vec<D> part;
};

template <class D>
HWY_INLINE Place<D> place(D d, hn::Vec<D> at, int size) {
  const auto end = hn::Set(d, static_cast<float>(size - 1));
  const auto inside = hn::Min(hn::Max(at, hn::Zero(d)), end);
  const Whole<D> di;
  const auto before = hn::Min(hn::ConvertTo(di, inside), hn::Set(di, size - 2));
  return {before, hn::Sub(inside, hn::ConvertTo(d, before))};
}

/// Four pixels around each place, as words of four bytes. The last of the picture may be the one
/// below to the right, so that word begins a byte earlier than its pixel.
template <class D>
struct Corners {
  hn::Vec<Words<D>> above_left, above_right, below_left, below_right;
};

template <int kByte, class D>
HWY_INLINE hn::Vec<D> channel(D d, hn::Vec<Words<D>> words) {
  const Words<D> du;
  const auto byte = hn::And(hn::ShiftRight<8 * kByte>(words), hn::Set(du, 0xffu));
  return hn::ConvertTo(d, hn::BitCast(Whole<D>(), byte));
}

template <class V>
HWY_INLINE V towards(V from, V to, V part) {
  return hn::MulAdd(hn::Sub(to, from), part, from);
}

template <int kByte, class D>
HWY_INLINE hn::Vec<Bytes<D>> blended(D d, const Corners<D>& at, hn::Vec<D> right, hn::Vec<D> low) {
  const auto above =
      towards(channel<kByte>(d, at.above_left), channel<kByte>(d, at.above_right), right);
  const auto below =
      towards(channel<kByte>(d, at.below_left), channel<kByte + 1>(d, at.below_right), right);
  return hn::DemoteTo(Bytes<D>(), hn::NearestInt(towards(above, below, low)));
}

void sharpen_row(image::PictureView in, int y, const float* smooth, std::size_t stride,
                 const EdgeSharpening& how, std::uint8_t* to) {
  const auto* words = reinterpret_cast<const std::uint32_t*>(in.pixels.data());
  along_row(static_cast<std::size_t>(in.width), [&](auto d, std::size_t x) HWY_ATTR {
    using D = decltype(d);
    const Whole<D> di;
    const Words<D> du;
    const Offset<D> offset = away_from_edge(d, smooth + x, stride, how);
    const auto columns = hn::Iota(d, static_cast<float>(x));
    const Place<D> across = place(d, hn::Add(columns, offset.x), in.width);
    const Place<D> down = place(d, hn::Add(hn::Set(d, static_cast<float>(y)), offset.y), in.height);
    const auto pixel = hn::Add(hn::Mul(down.before, hn::Set(di, in.width)), across.before);
    const auto first = hn::Mul(pixel, hn::Set(di, 3));
    const auto second = hn::Add(first, hn::Set(di, 3 * in.width));
    const Corners<D> corners = {hn::GatherOffset(du, words, first),
                                hn::GatherOffset(du, words, hn::Add(first, hn::Set(di, 3))),
                                hn::GatherOffset(du, words, second),
                                hn::GatherOffset(du, words, hn::Add(second, hn::Set(di, 2)))};
    hn::StoreInterleaved3(blended<0>(d, corners, across.part, down.part),
                          blended<1>(d, corners, across.part, down.part),
                          blended<2>(d, corners, across.part, down.part), Bytes<D>(), to + 3 * x);
  });
}

}  // namespace
}  // namespace imagined::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imagined::engine {
HWY_EXPORT(brightness);
HWY_EXPORT(weighted_rows);
HWY_EXPORT(sharpen_row);

void brightness_cpu(const std::uint8_t* pixels, std::size_t count, float* to) {
  HWY_DYNAMIC_DISPATCH(brightness)(pixels, count, to);
}

void weighted_rows_cpu(const float* const* rows, std::span<const float> weights, std::size_t count,
                       float* to) {
  HWY_DYNAMIC_DISPATCH(weighted_rows)(rows, weights, count, to);
}

void sharpen_row_cpu(image::PictureView in, int y, const float* smooth, std::size_t stride,
                     const EdgeSharpening& how, std::uint8_t* to) {
  HWY_DYNAMIC_DISPATCH(sharpen_row)(in, y, smooth, stride, how, to);
}

}  // namespace imagined::engine
#endif

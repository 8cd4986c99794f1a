#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/ops/convert/convert_cpu.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h

#include <hwy/highway.h>

#include <cstring>

#include "engine/backend/cpu/lanes_inl.h"
#include "engine/ops/convert/convert_cpu.h"

HWY_BEFORE_NAMESPACE();
namespace imagined::engine::HWY_NAMESPACE {
namespace {

/// Elements are addressed by bytes and the last ones copied, because a file's weights may lie at
/// any address.
template <class In, class Out>
void convert_span(const std::byte* from, std::size_t count, std::byte* to) {
  const std::size_t full = hn::Lanes(Lanes());
  for (std::size_t i = 0; i < count; i += full) {
    const std::byte* source = from + i * sizeof(In);
    std::byte* target = to + i * sizeof(Out);
    if (HWY_LIKELY(i + full <= count)) {
      store(load(reinterpret_cast<const In*>(source)), reinterpret_cast<Out*>(target));
      continue;
    }
    alignas(64) In part[hn::MaxLanes(Lanes())] = {};
    alignas(64) Out result[hn::MaxLanes(Lanes())];
    std::memcpy(part, source, (count - i) * sizeof(In));
    store(load(part), result);
    std::memcpy(target, result, (count - i) * sizeof(Out));
  }
}

template <class Out>
void convert_into(const std::byte* from, DType from_dtype, std::size_t count, std::byte* to) {
  if (from_dtype == DType::f32) return convert_span<float, Out>(from, count, to);
  if (from_dtype == DType::bf16) return convert_span<Bf16, Out>(from, count, to);
  convert_span<hwy::float16_t, Out>(from, count, to);
}

void convert_elements(const std::byte* from, DType from_dtype, std::size_t count, std::byte* to,
                      DType to_dtype) {
  if (from_dtype == to_dtype) {
    std::memcpy(to, from, count * size_bytes(to_dtype));
  } else if (to_dtype == DType::f32) {
    convert_into<float>(from, from_dtype, count, to);
  } else {
    convert_into<Bf16>(from, from_dtype, count, to);
  }
}

void add_scaled_elements(const float* from, float factor, std::size_t count, float* to) {
  const Floats scale = hn::Set(Lanes(), factor);
  for_vectors(count, [=](std::size_t i, std::size_t n) HWY_ATTR {
    store(hn::MulAdd(load(from + i, n), scale, load(to + i, n)), to + i, n);
  });
}

void affine_elements(const float* from, const float* scale, const float* shift, std::size_t count,
                     float* to) {
  for_vectors(count, [=](std::size_t i, std::size_t n) HWY_ATTR {
    store(hn::MulAdd(load(from + i, n), load(scale + i, n), load(shift + i, n)), to + i, n);
  });
}

void signal_elements(const std::uint8_t* from, std::size_t count, float* to) {
  const Lanes d;
  const hn::RebindToSigned<Lanes> di;
  const hn::Rebind<std::uint8_t, Lanes> du8;
  const Floats one = hn::Set(d, 1.0f);
  const Floats two = hn::Set(d, 2.0f);
  const Floats levels = hn::Set(d, 255.0f);
  for_vectors(count, [=](std::size_t i, std::size_t n) HWY_ATTR {
    alignas(64) std::uint8_t part[hn::MaxLanes(Lanes())] = {};
    const std::uint8_t* source = from + i;
    if (n < hn::Lanes(Lanes())) {
      std::memcpy(part, source, n);
      source = part;
    }
    const Floats value = hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(du8, source)));
    store(hn::Sub(hn::Mul(hn::Div(value, levels), two), one), to + i, n);
  });
}

void pixel_elements(const float* from, std::size_t count, std::uint8_t* to) {
  const Lanes d;
  const hn::Rebind<std::uint8_t, Lanes> du8;
  const Floats half = hn::Set(d, 0.5f);
  const Floats one = hn::Set(d, 1.0f);
  const Floats levels = hn::Set(d, 255.0f);
  for_vectors(count, [=](std::size_t i, std::size_t n) HWY_ATTR {
    const Floats x = hn::MulAdd(load(from + i, n), half, half);
    const Floats inside = hn::Min(hn::Max(x, hn::Zero(d)), one);
    const Floats level = hn::IfThenZeroElse(hn::IsNaN(x), hn::Mul(inside, levels));
    const auto bytes = hn::DemoteTo(du8, hn::NearestInt(level));
    if (HWY_LIKELY(n >= hn::Lanes(d))) return hn::StoreU(bytes, du8, to + i);
    alignas(64) std::uint8_t part[hn::MaxLanes(Lanes())];
    hn::StoreU(bytes, du8, part);
    std::memcpy(to + i, part, n);
  });
}

bool finite_elements(const float* from, std::size_t count) {
  // x - x is 0, or NaN for NaN and infinities; a sum keeps a NaN.
  const float sum = sum_row(count, [from](Floats total, std::size_t i, std::size_t n) HWY_ATTR {
    const Floats x = load(from + i, n);
    return hn::Add(total, hn::Sub(x, x));
  });
  return sum == 0.0f;
}

}  // namespace
}  // namespace imagined::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imagined::engine {
HWY_EXPORT(convert_elements);
HWY_EXPORT(add_scaled_elements);
HWY_EXPORT(affine_elements);
HWY_EXPORT(signal_elements);
HWY_EXPORT(pixel_elements);
HWY_EXPORT(finite_elements);

void convert_cpu(const std::byte* from, DType from_dtype, std::size_t count, std::byte* to,
                 DType to_dtype) {
  HWY_DYNAMIC_DISPATCH(convert_elements)(from, from_dtype, count, to, to_dtype);
}
void add_scaled_cpu(const float* from, float factor, std::size_t count, float* to) {
  HWY_DYNAMIC_DISPATCH(add_scaled_elements)(from, factor, count, to);
}
void affine_cpu(const float* from, const float* scale, const float* shift, std::size_t count,
                float* to) {
  HWY_DYNAMIC_DISPATCH(affine_elements)(from, scale, shift, count, to);
}
void pixels_to_signal_cpu(const std::uint8_t* from, std::size_t count, float* to) {
  HWY_DYNAMIC_DISPATCH(signal_elements)(from, count, to);
}
void signal_to_pixels_cpu(const float* from, std::size_t count, std::uint8_t* to) {
  HWY_DYNAMIC_DISPATCH(pixel_elements)(from, count, to);
}
bool all_finite_cpu(const float* from, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(finite_elements)(from, count);
}

}  // namespace imagined::engine
#endif

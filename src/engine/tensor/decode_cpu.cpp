// One decoder a type, compiled for every instruction set: the loops that unpack are plain, and the
// compiler makes vectors of them.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/tensor/decode_cpu.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h

#include <hwy/highway.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "engine/tensor/decode_cpu.h"
#include "engine/tensor/dtype.h"
#include "engine/tensor/stored_type.h"

HWY_BEFORE_NAMESPACE();
namespace imagined::engine::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

/// 1 sign, 4 exponent, 3 fraction bits; no infinity, and all ones is NaN.
inline float e4m3(std::uint8_t byte) {
  const std::uint32_t rest = byte & 0x7fu;
  const float number = std::bit_cast<float>(rest << 20) * 0x1p120f;
  const std::uint32_t bits = rest == 0x7fu ? 0x7fc00000u : std::bit_cast<std::uint32_t>(number);
  return std::bit_cast<float>((byte & 0x80u) << 24 | bits);
}

// In every decoder: b is the block, d its scale, m or dmin its offset, q a stored small number.

constexpr int kSmall = 32;   // weights of a plain block
constexpr int kLarge = 256;  // weights of a K block
static_assert(kLarge == kMaxBlockElements);

std::uint16_t u16_at(const std::uint8_t* b) { return static_cast<std::uint16_t>(b[0] | b[1] << 8); }
float half_at(const std::uint8_t* b) { return half_to_float(u16_at(b)); }

/// Small whole numbers of a block, one a byte: what the compiler unpacks sixteen or more at a time.
template <int kCount>
using Small = std::array<std::int8_t, kCount>;

/// out[i] = scale * q[i] (+ offset)
template <bool kOffset, int kCount>
void scale_small(const std::int8_t* q, float scale, float offset, float* out) {
  const hn::CappedTag<float, 16> d;
  const hn::Rebind<std::int32_t, decltype(d)> whole;
  const hn::Rebind<std::int8_t, decltype(d)> bytes;
  static_assert(kCount % hn::MaxLanes(d) == 0);
  for (std::size_t i = 0; i < kCount; i += hn::Lanes(d)) {
    const auto numbers = hn::ConvertTo(d, hn::PromoteTo(whole, hn::LoadU(bytes, q + i)));
    auto value = hn::Mul(hn::Set(d, scale), numbers);
    if constexpr (kOffset) value = hn::Add(value, hn::Set(d, offset));
    hn::StoreU(value, d, out + i);
  }
}
template <int kCount>
void scaled(const std::int8_t* q, float scale, float* out) {
  scale_small<false, kCount>(q, scale, 0, out);
}
template <int kCount>
void scaled(const std::int8_t* q, float scale, float offset, float* out) {
  scale_small<true, kCount>(q, scale, offset, out);
}

// --- blocks of 32 ------------------------------------------------------------------------------

// A byte of packed nibbles holds weight j below and weight j + 16 above.

#if HWY_TARGET == HWY_SCALAR

/// 16 bytes of nibbles to 32 whole numbers.
Small<kSmall> four_bits(const std::uint8_t* nibbles) {
  Small<kSmall> q;
  for (std::size_t j = 0; j < kSmall / 2; ++j) {
    q[j] = static_cast<std::int8_t>(nibbles[j] & 15);
    q[j + 16] = static_cast<std::int8_t>(nibbles[j] >> 4);
  }
  return q;
}

/// Adds to each number what it becomes by its bit in `bits`: `by_bit[0]` or `by_bit[1]`.
void add_by_bit(const std::uint8_t* bits, const Small<2>& by_bit, Small<kSmall>& q) {
  for (std::size_t j = 0; j < kSmall; ++j)
    q[j] = static_cast<std::int8_t>(q[j] + by_bit[bits[j / 8] >> j % 8 & 1]);
}

void look_up(const Small<16>& levels, Small<kSmall>& q) {
  for (std::int8_t& number : q) number = levels[static_cast<std::size_t>(number)];
}

#else

// By hand: the compiler stores these bytes one by one and waits for them.
using Sixteen = hn::FixedTag<std::int8_t, 16>;

/// 16 bytes of nibbles to 32 whole numbers.
Small<kSmall> four_bits(const std::uint8_t* nibbles) {
  const hn::FixedTag<std::uint8_t, 16> d;
  const Sixteen bytes;
  Small<kSmall> q;
  const auto both = hn::LoadU(d, nibbles);
  hn::StoreU(hn::BitCast(bytes, hn::And(both, hn::Set(d, 15))), bytes, q.data());
  hn::StoreU(hn::BitCast(bytes, hn::ShiftRight<4>(both)), bytes, q.data() + 16);
  return q;
}

/// Adds to each number what it becomes by its bit in `bits`: `by_bit[0]` or `by_bit[1]`.
void add_by_bit(const std::uint8_t* bits, const Small<2>& by_bit, Small<kSmall>& q) {
  alignas(16) static constexpr std::int8_t kBits[16] = {1, 2, 4, 8, 16, 32, 64, -128,
                                                        1, 2, 4, 8, 16, 32, 64, -128};
  const Sixteen d;
  for (std::size_t half = 0; half < 2; ++half) {
    const auto low = hn::Set(d, static_cast<std::int8_t>(bits[2 * half]));
    const auto high = hn::Set(d, static_cast<std::int8_t>(bits[2 * half + 1]));
    const auto set = hn::TestBit(hn::ConcatUpperLower(d, high, low), hn::Load(d, kBits));
    std::int8_t* const run = q.data() + 16 * half;
    const auto more = hn::IfThenElse(set, hn::Set(d, by_bit[1]), hn::Set(d, by_bit[0]));
    hn::StoreU(hn::Add(hn::LoadU(d, run), more), d, run);
  }
}

void look_up(const Small<16>& levels, Small<kSmall>& q) {
  const Sixteen d;
  const auto table = hn::LoadU(d, levels.data());
  for (std::size_t half = 0; half < kSmall; half += 16) {
    const auto places = hn::LoadU(d, q.data() + half);
    hn::StoreU(hn::TableLookupBytes(table, places), d, q.data() + half);
  }
}

#endif

void decode_q4_0(const std::uint8_t* b, float* out) {
  static constexpr Small<16> kLowered = {-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7};
  Small<kSmall> q = four_bits(b + 2);
  look_up(kLowered, q);
  scaled<kSmall>(q.data(), half_at(b), out);
}
void decode_q4_1(const std::uint8_t* b, float* out) {
  scaled<kSmall>(four_bits(b + 4).data(), half_at(b), half_at(b + 2), out);
}
void decode_q5_0(const std::uint8_t* b, float* out) {
  Small<kSmall> q = four_bits(b + 6);
  add_by_bit(b + 2, {-16, 0}, q);
  scaled<kSmall>(q.data(), half_at(b), out);
}
void decode_q5_1(const std::uint8_t* b, float* out) {
  Small<kSmall> q = four_bits(b + 8);
  add_by_bit(b + 4, {0, 16}, q);
  scaled<kSmall>(q.data(), half_at(b), half_at(b + 2), out);
}
void decode_q8_0(const std::uint8_t* b, float* out) {
  scaled<kSmall>(reinterpret_cast<const std::int8_t*>(b + 2), half_at(b), out);
}

// The sixteen levels of the IQ4 encodings, denser around 0.
alignas(16) constexpr Small<16> kIq4Levels = {-127, -104, -83, -65, -49, -35, -22, -10,
                                              1,    13,   25,  38,  53,  69,  89,  113};

/// 16 bytes of nibbles to 32 levels times d.
void decode_levels(const std::uint8_t* nibbles, const Small<16>& levels, float d, float* out) {
  Small<kSmall> q = four_bits(nibbles);
  look_up(levels, q);
  scaled<kSmall>(q.data(), d, out);
}

void decode_iq4_nl(const std::uint8_t* b, float* out) {
  decode_levels(b + 2, kIq4Levels, half_at(b), out);
}

void decode_mxfp4(const std::uint8_t* b, float* out) {
  // Twice the numbers of e2m1 (1 sign, 2 exponent, 1 fraction bit); the scale has one bit less.
  alignas(16) static constexpr Small<16> kLevels = {0, 1,  2,  3,  4,  6,  8,  12,
                                                    0, -1, -2, -3, -4, -6, -8, -12};
  constexpr int kBias = 128;  // e8m0 has 127; one more for the doubled levels
  decode_levels(b + 1, kLevels, std::ldexp(1.0f, b[0] - kBias), out);
}

// --- blocks of 256 -----------------------------------------------------------------------------

// Weight e of a block: half h = e / 128; within it t = e % 128 / 32 and l = e % 32.

/// Two bits of each of 32 bytes, t from below: the numbers of one t.
template <int kT>
void two_bits(const std::uint8_t* bytes, std::int8_t* q) {
  for (int l = 0; l < 32; ++l) q[l] = static_cast<std::int8_t>(bytes[l] >> 2 * kT & 3);
}
/// All of a block's, 64 bytes.
Small<kLarge> two_bits(const std::uint8_t* bytes) {
  Small<kLarge> q;
  for (int h = 0; h < 2; ++h) {
    std::int8_t* const half = q.data() + 128 * h;
    two_bits<0>(bytes + 32 * h, half);
    two_bits<1>(bytes + 32 * h, half + 32);
    two_bits<2>(bytes + 32 * h, half + 64);
    two_bits<3>(bytes + 32 * h, half + 96);
  }
  return q;
}

/// 32 bytes of nibbles: the low ones, then the high ones.
void low_then_high(const std::uint8_t* nibbles, std::int8_t* q) {
  for (int l = 0; l < 32; ++l) q[l] = static_cast<std::int8_t>(nibbles[l] & 15);
  for (int l = 0; l < 32; ++l) q[32 + l] = static_cast<std::int8_t>(nibbles[l] >> 4);
}

void decode_q2_k(const std::uint8_t* b, float* out) {
  const std::uint8_t* scales = b;  // 16: scale in the low nibble, offset in the high one
  const Small<kLarge> q = two_bits(b + 16);
  const float d = half_at(b + 80);
  const float dmin = half_at(b + 82);
  for (int group = 0; group < 16; ++group) {  // of 16 weights
    const float scale = d * static_cast<float>(scales[group] & 15);
    const float offset = dmin * static_cast<float>(scales[group] >> 4);
    scaled<16>(q.data() + 16 * group, scale, -offset, out + 16 * group);
  }
}

void decode_q3_k(const std::uint8_t* b, float* out) {
  const std::uint8_t* mask = b;  // 32: bit 4h + t of byte l is the third bit
  Small<kLarge> q = two_bits(b + 32);
  for (int ht = 0; ht < 8; ++ht) {
    const auto bit = static_cast<std::uint8_t>(1u << ht);
    std::int8_t* const run = q.data() + 32 * ht;
    for (int l = 0; l < 32; ++l)
      run[l] = static_cast<std::int8_t>(run[l] - ((mask[l] & bit) != 0 ? 0 : 4));
  }
  const std::uint8_t* scales = b + 96;  // 12: 16 numbers of six bits
  const float d = half_at(b + 108);
  for (int group = 0; group < 16; ++group) {
    const int low = group < 8 ? scales[group] & 15 : scales[group - 8] >> 4;
    const int high = scales[8 + group % 4] >> (group / 4 * 2) & 3;
    const float scale = d * static_cast<float>((low | high << 4) - 32);
    scaled<16>(q.data() + 16 * group, scale, out + 16 * group);
  }
}

/// Scale and offset of sub-block j of Q4_K and Q5_K, six bits each, out of 12 bytes.
struct ScaleAndOffset {
  int scale;
  int offset;
};
ScaleAndOffset k_scale(const std::uint8_t* s, int j) {
  if (j < 4) return {s[j] & 63, s[j + 4] & 63};
  return {(s[j + 4] & 15) | s[j - 4] >> 6 << 4, s[j + 4] >> 4 | s[j] >> 6 << 4};
}

/// The eight sub-blocks of Q4_K and Q5_K, whose scales are alike.
void scale_sub_blocks(const std::uint8_t* b, const Small<kLarge>& q, float* out) {
  const float d = half_at(b);
  const float dmin = half_at(b + 2);
  for (int j = 0; j < kLarge / 32; ++j) {
    const auto [scale, offset] = k_scale(b + 4, j);
    scaled<32>(q.data() + 32 * j, d * static_cast<float>(scale),
               -(dmin * static_cast<float>(offset)), out + 32 * j);
  }
}

void decode_q4_k(const std::uint8_t* b, float* out) {
  Small<kLarge> q;
  for (int i = 0; i < 4; ++i) low_then_high(b + 16 + 32 * i, q.data() + 64 * i);
  scale_sub_blocks(b, q, out);
}

void decode_q5_k(const std::uint8_t* b, float* out) {
  const std::uint8_t* fifth = b + 16;  // 32: bit j of byte l
  Small<kLarge> q;
  for (int i = 0; i < 4; ++i) low_then_high(b + 48 + 32 * i, q.data() + 64 * i);
  for (int j = 0; j < kLarge / 32; ++j) {
    const auto bit = static_cast<std::uint8_t>(1u << j);
    std::int8_t* const run = q.data() + 32 * j;
    for (int l = 0; l < 32; ++l)
      run[l] = static_cast<std::int8_t>(run[l] | ((fifth[l] & bit) != 0 ? 16 : 0));
  }
  scale_sub_blocks(b, q, out);
}

void decode_q6_k(const std::uint8_t* b, float* out) {
  const Small<kLarge> high = two_bits(b + 128);
  Small<kLarge> q;
  for (int h = 0; h < 2; ++h) {  // t below 2 has the low nibbles
    for (int l = 0; l < 64; ++l)
      q[static_cast<std::size_t>(128 * h + l)] = static_cast<std::int8_t>(b[64 * h + l] & 15);
    for (int l = 0; l < 64; ++l)
      q[static_cast<std::size_t>(128 * h + 64 + l)] = static_cast<std::int8_t>(b[64 * h + l] >> 4);
  }
  for (std::size_t e = 0; e < kLarge; ++e)
    q[e] = static_cast<std::int8_t>((q[e] | high[e] << 4) - 32);
  const float d = half_at(b + 208);
  for (int group = 0; group < 16; ++group) {
    const float scale = d * static_cast<float>(static_cast<std::int8_t>(b[192 + group]));
    scaled<16>(q.data() + 16 * group, scale, out + 16 * group);
  }
}

void decode_iq4_xs(const std::uint8_t* b, float* out) {
  const float d = half_at(b);
  const int high_bits = u16_at(b + 2);  // two of each sub-block
  for (int j = 0; j < kLarge / 32; ++j) {
    const int low = b[4 + j / 2] >> j % 2 * 4 & 15;
    const int scale = (low | (high_bits >> 2 * j & 3) << 4) - 32;
    decode_levels(b + 8 + j * 16, kIq4Levels, d * static_cast<float>(scale), out + j * 32);
  }
}

// --- two numbers of four bits in a byte ----------------------------------------------------------

// Of e2m1: 1 sign, 2 exponent, 1 fraction bit.
constexpr std::array<float, 16> kE2m1 = {0,     0.5f,  1,  1.5f,  2,  3,  4,  6,
                                         -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6};
// bitsandbytes' quantiles of a normal distribution. Source: bitsandbytes, csrc/ops.cu.
constexpr std::array<float, 16> kNf4 = {
    -1.0f,
    -0.6961928009986877f,
    -0.5250730514526367f,
    -0.39491748809814453f,
    -0.28444138169288635f,
    -0.18477343022823334f,
    -0.09105003625154495f,
    0.0f,
    0.07958029955625534f,
    0.16093020141124725f,
    0.24611230194568634f,
    0.33791524171829224f,
    0.44070982933044434f,
    0.5626170039176941f,
    0.7229568362236023f,
    1.0f,
};

void decode_high_first(const std::uint8_t* b, const std::array<float, 16>& levels, float* out) {
  out[0] = levels[*b >> 4u];
  out[1] = levels[*b & 15u];
}
void decode_f4(const std::uint8_t* b, float* out) { decode_high_first(b, kE2m1, out); }
void decode_nf4(const std::uint8_t* b, float* out) { decode_high_first(b, kNf4, out); }

/// Four groups of 16 with a scale of e4m3 each, of which the sign is left out.
void decode_nvfp4(const std::uint8_t* b, float* out) {
  for (int group = 0; group < 4; ++group) {
    const std::uint8_t bits = b[group] & 0x7f;
    const float scale = bits == 0x7f ? 0 : e4m3(bits);
    const std::uint8_t* nibbles = b + 4 + 8 * group;
    for (int j = 0; j < 8; ++j) {
      out[16 * group + j] = scale * kE2m1[nibbles[j] & 15u];
      out[16 * group + 8 + j] = scale * kE2m1[nibbles[j] >> 4u];
    }
  }
}

// --- numbers one by one
// ----------------------------------------------------------------------------

// A short float's bits, moved to where a float has them, are the number but for the exponents'
// other zero, which a multiplication by a power of two mends, for subnormals too.

float as_float(std::uint32_t bits) { return std::bit_cast<float>(bits); }

void decode_f32(const std::uint8_t* b, float* out) { std::memcpy(out, b, sizeof(*out)); }
void decode_bf16(const std::uint8_t* b, float* out) {
  *out = as_float(static_cast<std::uint32_t>(b[0] | b[1] << 8) << 16);
}
void decode_f16(const std::uint8_t* b, float* out) {
  const std::uint32_t bits = b[0] | static_cast<std::uint32_t>(b[1]) << 8;
  const std::uint32_t rest = bits & 0x7fffu;
  const std::uint32_t number = std::bit_cast<std::uint32_t>(as_float(rest << 13) * 0x1p112f);
  const std::uint32_t special = 0x7f800000u | rest << 13;
  *out = as_float((bits & 0x8000u) << 16 | (rest < 0x7c00u ? number : special));
}
void decode_e4m3(const std::uint8_t* b, float* out) { *out = e4m3(*b); }
void decode_e5m2(const std::uint8_t* b, float* out) {
  const std::uint32_t rest = *b & 0x7fu;
  const std::uint32_t number = std::bit_cast<std::uint32_t>(as_float(rest << 21) * 0x1p112f);
  const std::uint32_t special = 0x7f800000u | rest << 21;
  *out = as_float((*b & 0x80u) << 24 | (rest < 0x7cu ? number : special));
}
void decode_e8m0(const std::uint8_t* b, float* out) {  // 2^(b - 127); 255 is NaN
  *out = as_float(*b == 255 ? 0x7fc00000u : *b == 0 ? 0x00400000u : std::uint32_t{*b} << 23);
}
void decode_i8(const std::uint8_t* b, float* out) {
  *out = static_cast<float>(static_cast<std::int8_t>(*b));
}
void decode_u8(const std::uint8_t* b, float* out) { *out = static_cast<float>(*b); }

// --- the table
// --------------------------------------------------------------------------------------

/// `blocks` blocks of a type whose one block `kDecode` decodes.
template <int kElements, int kBytes, void (*kDecode)(const std::uint8_t*, float*)>
void each(const std::uint8_t* bytes, std::int64_t blocks, float* out) {
  for (std::int64_t i = 0; i < blocks; ++i) kDecode(bytes + i * kBytes, out + i * kElements);
}

using Decoder = void (*)(const std::uint8_t* bytes, std::int64_t blocks, float* out);

/// In the order of stored_types().
constexpr Decoder kDecoders[] = {
    each<1, 4, decode_f32>,        each<1, 2, decode_f16>,      each<1, 2, decode_bf16>,
    each<1, 1, decode_e4m3>,       each<1, 1, decode_e5m2>,     each<1, 1, decode_e8m0>,
    each<1, 1, decode_i8>,         each<1, 1, decode_u8>,       each<2, 1, decode_f4>,
    each<2, 1, decode_nf4>,        each<32, 18, decode_q4_0>,   each<32, 20, decode_q4_1>,
    each<32, 22, decode_q5_0>,     each<32, 24, decode_q5_1>,   each<32, 34, decode_q8_0>,
    each<256, 84, decode_q2_k>,    each<256, 110, decode_q3_k>, each<256, 144, decode_q4_k>,
    each<256, 176, decode_q5_k>,   each<256, 210, decode_q6_k>, each<32, 18, decode_iq4_nl>,
    each<256, 136, decode_iq4_xs>, each<32, 17, decode_mxfp4>,  each<64, 36, decode_nvfp4>,
};

void decode_any(std::size_t type, const std::uint8_t* bytes, std::int64_t blocks, float* out) {
  kDecoders[type](bytes, blocks, out);
}

}  // namespace
}  // namespace imagined::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imagined::engine {
HWY_EXPORT(decode_any);

void decode_blocks_cpu(std::size_t type, const std::uint8_t* bytes, std::int64_t blocks,
                       float* out) {
  HWY_DYNAMIC_DISPATCH(decode_any)(type, bytes, blocks, out);
}

}  // namespace imagined::engine
#endif

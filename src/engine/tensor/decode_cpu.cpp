// One decoder a type, compiled for every instruction set: the loops are plain, and the compiler
// makes vectors of them.
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
std::uint32_t u32_at(const std::uint8_t* b) {
  return u16_at(b) | static_cast<std::uint32_t>(u16_at(b + 2)) << 16;
}

// --- blocks of 32 ------------------------------------------------------------------------------

// A byte of packed nibbles holds weight j below and weight j + 16 above.

void decode_q4_0(const std::uint8_t* b, float* out) {
  const float d = half_at(b);
  for (int j = 0; j < kSmall / 2; ++j) {
    out[j] = d * static_cast<float>((b[2 + j] & 15) - 8);
    out[j + 16] = d * static_cast<float>((b[2 + j] >> 4) - 8);
  }
}

void decode_q4_1(const std::uint8_t* b, float* out) {
  const float d = half_at(b);
  const float m = half_at(b + 2);
  for (int j = 0; j < kSmall / 2; ++j) {
    out[j] = d * static_cast<float>(b[4 + j] & 15) + m;
    out[j + 16] = d * static_cast<float>(b[4 + j] >> 4) + m;
  }
}

/// 32 whole numbers of five bits: 16 bytes of nibbles, and the fifth bit of each in `high`.
void five_bits(const std::uint8_t* nibbles, std::uint32_t high, std::array<float, kSmall>& out) {
  for (unsigned half = 0; half < 2; ++half) {
    for (unsigned j = 0; j < kSmall / 2; ++j) {
      const unsigned fifth = high >> (16 * half + j) & 1u;
      out[16 * half + j] = static_cast<float>((nibbles[j] >> 4 * half & 15u) | fifth << 4u);
    }
  }
}

void decode_q5_0(const std::uint8_t* b, float* out) {
  const float d = half_at(b);
  std::array<float, kSmall> q{};
  five_bits(b + 6, u32_at(b + 2), q);
  for (std::size_t j = 0; j < kSmall; ++j) out[j] = d * (q[j] - 16);
}

void decode_q5_1(const std::uint8_t* b, float* out) {
  const float d = half_at(b);
  const float m = half_at(b + 2);
  std::array<float, kSmall> q{};
  five_bits(b + 8, u32_at(b + 4), q);
  for (std::size_t j = 0; j < kSmall; ++j) out[j] = d * q[j] + m;
}

void decode_q8_0(const std::uint8_t* b, float* out) {
  const float d = half_at(b);
  for (int j = 0; j < kSmall; ++j)
    out[j] = d * static_cast<float>(static_cast<std::int8_t>(b[2 + j]));
}

// The sixteen levels of the IQ4 encodings, denser around 0.
constexpr std::array<float, 16> kIq4Levels = {-127, -104, -83, -65, -49, -35, -22, -10,
                                              1,    13,   25,  38,  53,  69,  89,  113};

/// 16 bytes of nibbles to 32 levels times d.
void decode_levels(const std::uint8_t* nibbles, const std::array<float, 16>& levels, float d,
                   float* out) {
  for (int j = 0; j < kSmall / 2; ++j) {
    out[j] = d * levels[nibbles[j] & 15u];
    out[j + 16] = d * levels[nibbles[j] >> 4u];
  }
}

void decode_iq4_nl(const std::uint8_t* b, float* out) {
  decode_levels(b + 2, kIq4Levels, half_at(b), out);
}

void decode_mxfp4(const std::uint8_t* b, float* out) {
  // Twice the numbers of e2m1 (1 sign, 2 exponent, 1 fraction bit); the scale has one bit less.
  static constexpr std::array<float, 16> kLevels = {0, 1,  2,  3,  4,  6,  8,  12,
                                                    0, -1, -2, -3, -4, -6, -8, -12};
  constexpr int kBias = 128;  // e8m0 has 127; one more for the doubled levels
  decode_levels(b + 1, kLevels, std::ldexp(1.0f, b[0] - kBias), out);
}

// --- blocks of 256 -----------------------------------------------------------------------------

// Weight e of a block: half h = e / 128; within it t = e % 128 / 32 and l = e % 32.

void decode_q2_k(const std::uint8_t* b, float* out) {
  const std::uint8_t* scales = b;   // 16: scale in the low nibble, offset in the high one
  const std::uint8_t* qs = b + 16;  // 64: four weights of two bits, one of each t
  const float d = half_at(b + 80);
  const float dmin = half_at(b + 82);
  for (int group = 0; group < 16; ++group) {  // of 16 weights
    const float scale = d * static_cast<float>(scales[group] & 15);
    const float offset = dmin * static_cast<float>(scales[group] >> 4);
    const int shift = group % 8 / 2 * 2;
    const std::uint8_t* q = qs + group / 8 * 32 + group % 2 * 16;
    for (int i = 0; i < 16; ++i)
      out[group * 16 + i] = scale * static_cast<float>(q[i] >> shift & 3) - offset;
  }
}

void decode_q3_k(const std::uint8_t* b, float* out) {
  const std::uint8_t* mask = b;         // 32: bit 4h + t of byte l is the third bit
  const std::uint8_t* qs = b + 32;      // 64: the lower two, as Q2_K
  const std::uint8_t* scales = b + 96;  // 12: 16 numbers of six bits
  const float d = half_at(b + 108);
  for (int group = 0; group < 16; ++group) {
    const int low = group < 8 ? scales[group] & 15 : scales[group - 8] >> 4;
    const int high = scales[8 + group % 4] >> (group / 4 * 2) & 3;
    const float scale = d * static_cast<float>((low | high << 4) - 32);
    const int shift = group % 8 / 2 * 2;
    const int bit = group / 2;  // 4h + t
    const std::uint8_t* q = qs + group / 8 * 32 + group % 2 * 16;
    const std::uint8_t* third = mask + group % 2 * 16;
    for (int i = 0; i < 16; ++i) {
      const int value = (q[i] >> shift & 3) - ((third[i] >> bit & 1) != 0 ? 0 : 4);
      out[group * 16 + i] = scale * static_cast<float>(value);
    }
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

void decode_q4_k(const std::uint8_t* b, float* out) {
  const float d = half_at(b);
  const float dmin = half_at(b + 2);
  for (int j = 0; j < kLarge / 32; ++j) {
    const auto [scale, offset] = k_scale(b + 4, j);
    const float by = d * static_cast<float>(scale);
    const float minus = dmin * static_cast<float>(offset);
    const std::uint8_t* q = b + 16 + j / 2 * 32;
    const int shift = j % 2 * 4;
    for (int l = 0; l < 32; ++l)
      out[j * 32 + l] = by * static_cast<float>(q[l] >> shift & 15) - minus;
  }
}

void decode_q5_k(const std::uint8_t* b, float* out) {
  const float d = half_at(b);
  const float dmin = half_at(b + 2);
  const std::uint8_t* fifth = b + 16;  // 32: bit j of byte l
  for (int j = 0; j < kLarge / 32; ++j) {
    const auto [scale, offset] = k_scale(b + 4, j);
    const float by = d * static_cast<float>(scale);
    const float minus = dmin * static_cast<float>(offset);
    const std::uint8_t* q = b + 48 + j / 2 * 32;
    const int shift = j % 2 * 4;
    for (int l = 0; l < 32; ++l) {
      const int value = (q[l] >> shift & 15) | (fifth[l] >> j & 1) << 4;
      out[j * 32 + l] = by * static_cast<float>(value) - minus;
    }
  }
}

void decode_q6_k(const std::uint8_t* b, float* out) {
  const float d = half_at(b + 208);
  for (int group = 0; group < 16; ++group) {
    const int h = group / 8;
    const int t = group % 8 / 2;
    const int l = group % 2 * 16;
    const std::uint8_t* low =
        b + 64 * h + t % 2 * 32 + l;                  // four bits: t below 2 in the low nibble
    const std::uint8_t* high = b + 128 + 32 * h + l;  // two bits of each t
    const float scale = d * static_cast<float>(static_cast<std::int8_t>(b[192 + group]));
    for (int i = 0; i < 16; ++i) {
      const int q = (low[i] >> t / 2 * 4 & 15) | (high[i] >> 2 * t & 3) << 4;
      out[group * 16 + i] = scale * static_cast<float>(q - 32);
    }
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

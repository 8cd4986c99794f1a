#include "engine/tensor/blocks.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "engine/tensor/dtype.h"

namespace imagined::engine {
namespace {

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

constexpr std::array kFormats = {
    BlockFormat{"Q4_0", 2, kSmall, 18, decode_q4_0},
    BlockFormat{"Q4_1", 3, kSmall, 20, decode_q4_1},
    BlockFormat{"Q5_0", 6, kSmall, 22, decode_q5_0},
    BlockFormat{"Q5_1", 7, kSmall, 24, decode_q5_1},
    BlockFormat{"Q8_0", 8, kSmall, 34, decode_q8_0},
    BlockFormat{"Q2_K", 10, kLarge, 84, decode_q2_k},
    BlockFormat{"Q3_K", 11, kLarge, 110, decode_q3_k},
    BlockFormat{"Q4_K", 12, kLarge, 144, decode_q4_k},
    BlockFormat{"Q5_K", 13, kLarge, 176, decode_q5_k},
    BlockFormat{"Q6_K", 14, kLarge, 210, decode_q6_k},
    BlockFormat{"IQ4_NL", 20, kSmall, 18, decode_iq4_nl},
    BlockFormat{"IQ4_XS", 23, kLarge, 136, decode_iq4_xs},
    BlockFormat{"MXFP4", 39, kSmall, 17, decode_mxfp4},
};

}  // namespace

std::span<const BlockFormat> block_formats() { return kFormats; }

const BlockFormat* find_block_format(std::uint32_t ggml_type) {
  const auto* found =
      std::find_if(kFormats.begin(), kFormats.end(),
                   [&](const BlockFormat& format) { return format.ggml_type == ggml_type; });
  return found == kFormats.end() ? nullptr : found;
}

void dequantise(const BlockFormat& format, std::span<const std::byte> bytes, float* out) {
  const auto block_bytes = static_cast<std::size_t>(format.size_bytes);
  CHECK(bytes.size() % block_bytes == 0, "{} bytes of {} blocks", bytes.size(), format.name);
  const auto* block = reinterpret_cast<const std::uint8_t*>(bytes.data());
  for (std::size_t i = 0; i < bytes.size() / block_bytes; ++i)
    format.decode(block + i * block_bytes, out + static_cast<std::int64_t>(i) * format.elements);
}

}  // namespace imagined::engine

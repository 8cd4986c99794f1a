// Element types of weights and activations.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace imagined::engine {

enum class DType : std::uint8_t { f32, bf16, f16, f64, i64, i32, u8, i8, boolean, other };

std::size_t size_bytes(DType dtype);  // 0 for `other`
std::string_view name(DType dtype);

/// The upper half of a float: 8 exponent bits, 7 stored bits of fraction.
struct Bf16 {
  std::uint16_t bits = 0;
};

inline float to_float(Bf16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value.bits) << 16);
}

/// Rounds to nearest, ties to even; NaN stays NaN.
inline Bf16 to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return {static_cast<std::uint16_t>((bits >> 16) | 0x40)};
  return {static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16)};
}

float half_to_float(std::uint16_t bits);

template <class T>
inline constexpr DType dtype_of = DType::other;
template <>
inline constexpr DType dtype_of<float> = DType::f32;
template <>
inline constexpr DType dtype_of<Bf16> = DType::bf16;
template <>
inline constexpr DType dtype_of<double> = DType::f64;
template <>
inline constexpr DType dtype_of<std::int64_t> = DType::i64;
template <>
inline constexpr DType dtype_of<std::int32_t> = DType::i32;
template <>
inline constexpr DType dtype_of<std::uint8_t> = DType::u8;

}  // namespace imagined::engine

// The tiles in terms of one instruction set's vectors. Included by tile_<isa>.cpp only,
// and in an unnamed namespace: nothing here may be shared between files that are compiled with
// different flags, so there is no standard library in it either.
//
// `Isa` offers: Float, Operand, kLanes, kRows, kStepBytes, zero, load, store, load_operand,
// broadcast, multiply_add (c + a * b), and for the rest add, fma, set, narrow, widen.
#pragma once

#include "engine/backend/cpu/tile/tile.h"

namespace imagined::engine {
namespace {

/// What sums of f32 begin with and how they end.
template <class Isa>
struct FloatSums {
  using Sum = typename Isa::Float;
  static Sum begin(const TileArgs& args, int row, int vector) {
    return args.accumulates ? Isa::load(args.c + row * args.c_row + vector * Isa::kLanes)
                            : Isa::zero();
  }
  static void end(const TileArgs& args, int row, int vector, Sum sum) {
    Isa::store(args.c + row * args.c_row + vector * Isa::kLanes, sum);
  }
};

/// Rows of `a` are reached as base[r / 3] + (r % 3) * stride: five bases, one stride and the
/// panel's pointer stay within the general registers, fourteen row pointers would not.
template <class Isa, class Sums, int Rows, int Vectors>
void tile(const TileArgs& args) {
  constexpr int kBases = (Rows + 2) / 3;
  using Operand = typename Isa::Operand;
  typename Sums::Sum sum[Rows][Vectors];
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) sum[r][v] = Sums::begin(args, r, v);
  }
  const char* b = static_cast<const char*>(args.b);
  const std::int64_t stride = args.a_row_bytes;
  for (std::int64_t segment = 0; segment < args.segments; ++segment) {
    const char* base[kBases];
    for (int i = 0; i < kBases; ++i) {
      base[i] = static_cast<const char*>(args.a) + segment * args.a_segment_bytes + 3 * i * stride;
      __asm__("" : "+r"(base[i]));  // hides how the bases are related, or GCC recomputes them
    }
    for (std::int64_t step = 0; step < args.steps; ++step) {
      Operand column[Vectors];
      for (int v = 0; v < Vectors; ++v) {
        column[v] = Isa::load_operand(b + v * Isa::kLanes * Isa::kStepBytes);
      }
      b += Vectors * Isa::kLanes * Isa::kStepBytes;
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        const Operand row = Isa::broadcast(base[r / 3] + (r % 3) * stride);
#pragma GCC unroll 2
        for (int v = 0; v < Vectors; ++v) {
          sum[r][v] = Isa::multiply_add(sum[r][v], row, column[v]);
        }
      }
      for (int i = 0; i < kBases; ++i) base[i] += Isa::kStepBytes;
    }
  }
  // Ends what GCC takes for one sum: the copy that `end` reads would be stored to memory in each
  // step.
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) __asm__("" : "+v"(sum[r][v]));
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < Vectors; ++v) Sums::end(args, r, v, sum[r][v]);
  }
}

inline float widen_one(std::uint16_t bits) {
  const std::uint32_t word = static_cast<std::uint32_t>(bits) << 16;
  float value;
  __builtin_memcpy(&value, &word, sizeof(value));
  return value;
}

inline std::uint16_t narrow_one(float value) {
  std::uint32_t bits;
  __builtin_memcpy(&bits, &value, sizeof(bits));
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<std::uint16_t>((bits >> 16) | 0x40);
  return static_cast<std::uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// What a missing bias, gate or residual stands for, as long as the widest vector.
constexpr float kZeros[16] = {};
constexpr float kOnes[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

template <class Isa>
void finish_row(const FinishArgs& args, std::int64_t r) {
  using Float = typename Isa::Float;
  const float* const c = args.c + r * args.c_row;
  const float* const residual =
      args.residual == nullptr ? nullptr : args.residual + r * args.residual_row;
  auto* const out_f32 = static_cast<float*>(args.out) + r * args.out_row;
  auto* const out_bf16 = static_cast<std::uint16_t*>(args.out) + r * args.out_row;
  std::int64_t j = 0;
  for (; j + Isa::kLanes <= args.columns; j += Isa::kLanes) {
    Float value = Isa::load(c + j);
    if (args.bias != nullptr) value = Isa::add(value, Isa::load(args.bias + j));
    const Float gate = args.gate == nullptr ? Isa::set(1.0f) : Isa::load(args.gate + j);
    const Float before = residual == nullptr ? Isa::zero() : Isa::load(residual + j);
    value = Isa::fma(gate, value, before);
    if (args.out_bf16) {
      Isa::narrow(value, out_bf16 + j);
    } else {
      Isa::store(out_f32 + j, value);
    }
  }
  // Without branches on null pointers: a compiler turns those into masked loads from address 0,
  // which are allowed, but which emulators fault on.
  const std::int64_t rest = args.columns - j;
  const float* const bias = args.bias == nullptr ? kZeros : args.bias + j;
  const float* const gate = args.gate == nullptr ? kOnes : args.gate + j;
  const float* const before = residual == nullptr ? kZeros : residual + j;
  for (std::int64_t k = 0; k < rest; ++k) {
    const float value = __builtin_fmaf(gate[k], c[j + k] + bias[k], before[k]);
    if (args.out_bf16) {
      out_bf16[j + k] = narrow_one(value);
    } else {
      out_f32[j + k] = value;
    }
  }
}

template <class Isa>
void finish(const FinishArgs& args) {
  for (std::int64_t r = 0; r < args.rows; ++r) finish_row<Isa>(args, r);
}

template <class Isa>
void narrow(const float* in, std::uint16_t* out, std::int64_t count) {
  std::int64_t i = 0;
  for (; i + Isa::kLanes <= count; i += Isa::kLanes) Isa::narrow(Isa::load(in + i), out + i);
  for (; i < count; ++i) out[i] = narrow_one(in[i]);
}

template <class Isa>
void widen(const std::uint16_t* in, float* out, std::int64_t count) {
  std::int64_t i = 0;
  for (; i + Isa::kLanes <= count; i += Isa::kLanes) Isa::store(out + i, Isa::widen(in + i));
  for (; i < count; ++i) out[i] = widen_one(in[i]);
}

/// Fills the table for 1 .. `Rows` rows.
template <class Isa, class Sums, int Rows = Isa::kRows>
constexpr void list_tiles(TileKernel& kernel) {
  if constexpr (Rows > 0) {
    kernel.tiles[1][Rows] = tile<Isa, Sums, Rows, 1>;
    kernel.tiles[2][Rows] = tile<Isa, Sums, Rows, 2>;
    list_tiles<Isa, Sums, Rows - 1>(kernel);
  }
}

template <class Isa>
constexpr TileKernel make_kernel(const char* name, bool bf16) {
  TileKernel kernel{};
  kernel.name = name;
  kernel.rows = Isa::kRows;
  kernel.lanes = Isa::kLanes;
  kernel.bf16 = bf16;
  list_tiles<Isa, FloatSums<Isa>>(kernel);
  kernel.finish = finish<Isa>;
  kernel.narrow = narrow<Isa>;
  kernel.widen = widen<Isa>;
  return kernel;
}

}  // namespace
}  // namespace imagined::engine

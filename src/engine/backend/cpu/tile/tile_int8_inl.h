// The tiles of whole numbers in terms of one instruction set's vectors; see tile_inl.h.
//
// `Isa` is one of tile_inl.h whose Operand is four whole numbers a lane; beside, it offers Int
// (sums of 32 bits), kZeroPoint, kLargest, load_int, to_float and multiply.
#pragma once

#include "engine/backend/cpu/tile/tile_inl.h"

namespace imagined::engine {
namespace {

/// Sums of products are exact: 3072 of them are below 2^27.
template <class Isa>
struct IntSums {
  using Sum = typename Isa::Int;
  static Sum begin(const TileArgs& args, int, int vector) {
    return Isa::load_int(args.b_starts + vector * Isa::kLanes);
  }
  static void end(const TileArgs& args, int row, int vector, Sum sum) {
    float* const c = args.c + row * args.c_row + vector * Isa::kLanes;
    const auto scaled =
        Isa::multiply(Isa::to_float(sum), Isa::load(args.b_factors + vector * Isa::kLanes));
    const auto before = args.accumulates ? Isa::load(c) : Isa::zero();
    Isa::store(c, Isa::fma(scaled, Isa::set(args.a_factors[row]), before));
  }
};

template <class Isa>
constexpr TileKernel make_int8_kernel(const char* name, const TileKernel& of_f32) {
  TileKernel kernel{};
  kernel.name = name;
  kernel.rows = Isa::kRows;
  kernel.lanes = Isa::kLanes;
  kernel.int8 = true;
  kernel.zero_point = Isa::kZeroPoint;
  kernel.b_largest = Isa::kLargest;
  kernel.of_f32 = &of_f32;
  list_tiles<Isa, IntSums<Isa>>(kernel);
  kernel.finish = finish<Isa>;
  return kernel;
}

}  // namespace
}  // namespace imagined::engine

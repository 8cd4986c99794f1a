// Loops over registers alone, once per instruction set. Plain types only, as in tile.h.
#pragma once

#include <cstdint>

namespace imagined::engine {

/// Runs `rounds` rounds and returns how many operations that were.
using PeakLoop = double (*)(std::int64_t rounds);

double peak_f32_avx2(std::int64_t rounds);
double peak_f32_avx512(std::int64_t rounds);
double peak_bf16_avx512_bf16(std::int64_t rounds);
double peak_bf16_amx_bf16(std::int64_t rounds);
double peak_int8_amx_int8(std::int64_t rounds);
double peak_int8_avx512_vnni(std::int64_t rounds);

}  // namespace imagined::engine

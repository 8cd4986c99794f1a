#include "engine/backend/cpu/peak.h"

#include <algorithm>
#include <vector>

#include "engine/backend/cpu/peak/loops.h"

namespace imagined::engine {
namespace {

double best_rate(const Context& context, double (*now_seconds)(), PeakLoop loop) {
  const std::int64_t threads = context.pool().threads();
  std::int64_t rounds = 1 << 14;
  double best = 0;
  for (int run = 0; run < 8; ++run) {
    // One piece per thread; a piece that another thread takes as well only lengthens the run.
    std::vector<double> operations(static_cast<std::size_t>(threads));
    const double start = now_seconds();
    context.pool().parallel_for(threads, 1, [&](std::int64_t begin, std::int64_t end, int) {
      for (std::int64_t i = begin; i < end; ++i) {
        operations[static_cast<std::size_t>(i)] = loop(rounds);
      }
    });
    const double elapsed = std::max(now_seconds() - start, 1e-9);
    double total = 0;
    for (const double count : operations) total += count;
    best = std::max(best, total / elapsed * 1e-9);
    if (elapsed < 0.02) rounds *= 4;  // long enough that starting the threads does not count
  }
  return best;
}

}  // namespace

PeakRates measure_peaks(const Context& context, double (*now_seconds)()) {
  const CpuFeatures& cpu = context.cpu();
  PeakRates rates;
  if (cpu.avx2) rates.f32_avx2 = best_rate(context, now_seconds, peak_f32_avx2);
  rates.f32 = rates.f32_avx2;
  if (cpu.avx512) {
    rates.f32 = std::max(rates.f32, best_rate(context, now_seconds, peak_f32_avx512));
  }
  if (cpu.avx512_bf16) rates.bf16 = best_rate(context, now_seconds, peak_bf16_avx512_bf16);
  if (cpu.amx_bf16) {
    rates.bf16 = std::max(rates.bf16, best_rate(context, now_seconds, peak_bf16_amx_bf16));
  }
  if (cpu.avx512_vnni) rates.int8 = best_rate(context, now_seconds, peak_int8_avx512_vnni);
  if (cpu.amx_int8) {
    rates.int8 = std::max(rates.int8, best_rate(context, now_seconds, peak_int8_amx_int8));
  }
  return rates;
}

}  // namespace imagined::engine

#include "engine/backend/context.h"

#include <gtest/gtest.h>

#include "engine/backend/cpu/peak.h"

namespace imagined::engine {
namespace {

TEST(Context, FindsTheImplementationNamedForAnOperation) {
  const Context context({.threads = 1, .implementations = "matmul=avx2,attention=reference"});
  EXPECT_EQ(context.implementation("matmul"), "avx2");
  EXPECT_EQ(context.implementation("attention"), "reference");
  EXPECT_EQ(context.implementation("conv2d"), "");
  EXPECT_EQ(context.implementation("mat"), "");
}

TEST(CpuFeatures, AWiderSetIncludesTheNarrowerOnes) {
  const CpuFeatures cpu = CpuFeatures::detect();
  EXPECT_GE(cpu.cores, 1);
  EXPECT_FALSE(cpu.brand.empty());
  EXPECT_TRUE(cpu.avx2 || !cpu.avx512);
  EXPECT_TRUE(cpu.avx512 || !cpu.avx512_bf16);
  EXPECT_TRUE(cpu.avx512_bf16 || !cpu.amx_bf16);
  EXPECT_TRUE(cpu.avx512 || !cpu.avx512_vnni);
  EXPECT_TRUE(cpu.avx2 || !cpu.avx_vnni);
}

TEST(Scratch, GrowsAndStaysAligned) {
  Scratch scratch(2);
  for (const std::size_t size : {1u, 100u, 100000u, 10u}) {
    std::byte* const shared = scratch.shared(size);
    std::byte* const local = scratch.local(1, size);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(shared) % 64, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(local) % 64, 0u);
    EXPECT_NE(shared, local);
    shared[size - 1] = local[size - 1] = std::byte{1};
  }
  EXPECT_EQ(scratch.shared(50000), scratch.shared(1)) << "a smaller request keeps the buffer";
}

TEST(PeakRates, CountsOnlyWhatTheMachineHas) {
  const Context context({.threads = 1});
  // A clock that moves a tenth of a second per look: the rates mean nothing, the zeros do.
  static double now = 0;
  const PeakRates rates = measure_peaks(context, [] { return now += 0.1; });
  EXPECT_EQ(rates.f32_avx2 > 0, context.cpu().avx2);
  EXPECT_EQ(rates.f32 > 0, context.cpu().avx2);
  EXPECT_EQ(rates.bf16 > 0, context.cpu().avx512_bf16);
  EXPECT_EQ(rates.int8 > 0, context.cpu().avx512_vnni);
}

}  // namespace
}  // namespace imagined::engine

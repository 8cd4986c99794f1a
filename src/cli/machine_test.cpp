#include "cli/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace imagined::cli {
namespace {

using ::testing::ElementsAre;

TEST(InstructionSets, CountOnlyWhenAllPartsAreThere) {
  EXPECT_THAT(known_instruction_sets("sse2 avx2 fma f16c avx512f avx512bw"), ElementsAre("avx2"));
  EXPECT_THAT(
      known_instruction_sets("avx2 fma f16c avx512f avx512bw avx512dq avx512vl avx512_bf16"),
      ElementsAre("avx2", "avx-512", "avx-512-bf16"));
  EXPECT_THAT(known_instruction_sets("amx_bf16"), ElementsAre());
  EXPECT_THAT(known_instruction_sets("amx_tile amx_bf16"), ElementsAre("amx-bf16"));
  EXPECT_THAT(known_instruction_sets("amx_int8 amx_tile"), ElementsAre("amx-int8"));
}

TEST(InstructionSets, MatchWholeWords) {
  EXPECT_THAT(known_instruction_sets("avx2x fma f16c avx_vnni_int8"), ElementsAre());
}

TEST(Machine, HasACoreAndMemory) {
  const Machine machine = inspect_machine();
  EXPECT_GE(machine.cores, 1);
  EXPECT_GT(machine.memory.total_bytes, 0);
  EXPECT_GT(machine.memory.free_bytes, 0);
  EXPECT_LE(machine.memory.free_bytes, machine.memory.total_bytes);
  EXPECT_FALSE(machine.processor.empty());
}

}  // namespace
}  // namespace imagined::cli

// What this processor can do, asked once.
#pragma once

#include <string>

namespace imagined::engine {

struct CpuFeatures {
  bool avx2 = false;    // with FMA and F16C: the least that the engine runs on
  bool avx512 = false;  // F, BW, DQ, VL
  bool avx512_bf16 = false;
  bool amx_bf16 = false;  // tile registers, for which the system gave this process leave
  bool amx_int8 = false;  // likewise
  bool avx512_vnni = false;
  bool avx_vnni = false;
  int cores = 1;      // that this process may use (affinity and cgroup)
  std::string brand;  // as the processor names itself

  /// Asks CPUID and XGETBV: a feature counts only when the operating system saves its registers.
  static CpuFeatures detect();
};

}  // namespace imagined::engine

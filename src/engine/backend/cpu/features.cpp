#include "engine/backend/cpu/features.h"

#include <cpuid.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <thread>

namespace imagined::engine {
namespace {

struct Registers {
  std::uint32_t a = 0, b = 0, c = 0, d = 0;
};

/// Zeros when the processor has no such leaf.
Registers cpuid(std::uint32_t leaf, std::uint32_t subleaf) {
  Registers r;
  const auto last = static_cast<std::uint32_t>(__get_cpuid_max(leaf & 0x80000000u, nullptr));
  if (last < leaf) return r;
  __cpuid_count(leaf, subleaf, r.a, r.b, r.c, r.d);
  return r;
}

bool has(std::uint32_t word, int bit) { return ((word >> bit) & 1u) != 0; }

/// Which register files the operating system saves on a switch of threads (XCR0).
std::uint32_t saved_registers(const Registers& leaf1) {
  if (!has(leaf1.c, 27)) return 0;  // OSXSAVE: XGETBV may be executed
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

/// Whether the system lets this process use the tile registers, which it saves only on request.
/// Once given, the leave is the whole process's. Source: Linux, Documentation/arch/x86/xstate.rst.
bool may_use_tiles() {
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILE_DATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

std::string read_brand() {
  std::array<char, 49> text{};
  for (std::uint32_t part = 0; part < 3; ++part) {
    const Registers r = cpuid(0x80000002u + part, 0);
    std::memcpy(text.data() + part * 16, &r, sizeof(r));
  }
  std::string brand(text.data());
  const auto first = brand.find_first_not_of(' ');
  const auto last = brand.find_last_not_of(' ');
  return first == std::string::npos ? std::string() : brand.substr(first, last - first + 1);
}

/// The CPU quota of this cgroup in cores (rounded up), or 0 for none.
int cgroup_cores() {
  double quota = 0;
  double period = 0;
  std::ifstream v2("/sys/fs/cgroup/cpu.max");  // "max 100000" or "200000 100000"
  if (v2 >> quota >> period && quota > 0 && period > 0) {
    return static_cast<int>(std::ceil(quota / period));
  }
  std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");  // -1 for none
  std::ifstream v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  if (v1_quota >> quota && v1_period >> period && quota > 0 && period > 0) {
    return static_cast<int>(std::ceil(quota / period));
  }
  return 0;
}

int usable_cores() {
  int cores = static_cast<int>(std::thread::hardware_concurrency());
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof(allowed), &allowed) == 0) cores = CPU_COUNT(&allowed);
  if (const int quota = cgroup_cores(); quota > 0) cores = std::min(cores, quota);
  return std::max(cores, 1);
}

}  // namespace

CpuFeatures CpuFeatures::detect() {
  const Registers leaf1 = cpuid(1, 0);
  const Registers leaf7 = cpuid(7, 0);
  const Registers leaf7_1 = cpuid(7, 1);
  const std::uint32_t saved = saved_registers(leaf1);
  const bool saves_ymm = (saved & 0x06u) == 0x06u;
  const bool saves_zmm = (saved & 0xe6u) == 0xe6u;
  const bool saves_tiles = (saved & 0x60000u) == 0x60000u;

  CpuFeatures cpu;
  const bool avx = has(leaf1.c, 28) && has(leaf1.c, 12) && has(leaf1.c, 29);  // AVX, FMA, F16C
  cpu.avx2 = saves_ymm && avx && has(leaf7.b, 5);
  cpu.avx512 = cpu.avx2 && saves_zmm && has(leaf7.b, 16) && has(leaf7.b, 17) && has(leaf7.b, 30) &&
               has(leaf7.b, 31);  // F, DQ, BW, VL
  cpu.avx512_vnni = cpu.avx512 && has(leaf7.c, 11);
  cpu.avx512_bf16 = cpu.avx512 && has(leaf7_1.a, 5);
  const bool tiles = cpu.avx512 && saves_tiles && has(leaf7.d, 24) && may_use_tiles();  // AMX-TILE
  cpu.amx_bf16 = tiles && cpu.avx512_bf16 && has(leaf7.d, 22);
  cpu.amx_int8 = tiles && has(leaf7.d, 25);
  cpu.avx_vnni = cpu.avx2 && has(leaf7_1.a, 4);
  cpu.cores = usable_cores();
  cpu.brand = read_brand();
  return cpu;
}

}  // namespace imagined::engine

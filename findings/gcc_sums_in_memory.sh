#!/usr/bin/env bash
# GCC 12 stores the sums of a product of whole numbers to memory in every step of a loop in which they stay in registers.
#
# Seen with Debian 12's g++ 12.2.0-14+deb12u1, -O3 -mavx512f -mavx512vnni. 28 sums of VPDPBUSD fit the 32 registers and are kept there; what
# turns them into f32 behind the loop reads copies in memory, and these are written within the loop, not behind it. An empty asm statement
# between loop and conversion, which makes other values of the sums, takes all of the stores away. Products of bf16, whose sums are stored
# as they are, have none.
#
# Why it matters: on Zen 4 our int8 product ran at 0.37 of what the registers can multiply because of it, and at 0.87 without, so that
# precision = "int8" was slower than bf16 (docs/performance.md). The mend is in src/engine/backend/cpu/tile/tile_inl.h.
set -euo pipefail

readonly VERSION=12.2.0-14+deb12u1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
echo "== gcc_sums_in_memory with g++-12=$VERSION"
cd "$folder"
apt-get download -qq "g++-12=$VERSION" "libgcc-12-dev=$VERSION" libisl23 libmpc3 libmpfr6 libgmp10 2>/dev/null
for package in *.deb; do dpkg -x "$package" .; done

cat >tile.cpp <<'CPP'
#include <immintrin.h>

constexpr int kRows = 14;

void tile(const char* rows, long stride, const char* columns, long steps, const int* starts,
          const float* factors, float* out) {
  __m512i sums[kRows][2];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v) sums[r][v] = _mm512_loadu_si512(starts + 16 * v);
  for (long step = 0; step < steps; ++step, rows += 4, columns += 128) {
    const __m512i column[2] = {_mm512_loadu_si512(columns), _mm512_loadu_si512(columns + 64)};
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      int four;
      __builtin_memcpy(&four, rows + r * stride, 4);
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v)
        sums[r][v] = _mm512_dpbusd_epi32(sums[r][v], _mm512_set1_epi32(four), column[v]);
    }
  }
#ifdef OTHER_VALUES
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v) __asm__("" : "+v"(sums[r][v]));
#endif
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 2
    for (int v = 0; v < 2; ++v) {
      float* const c = out + 32 * r + 16 * v;
      const __m512 scaled =
          _mm512_mul_ps(_mm512_cvtepi32_ps(sums[r][v]), _mm512_loadu_ps(factors + 16 * v));
      _mm512_storeu_ps(c, _mm512_add_ps(scaled, _mm512_loadu_ps(c)));
    }
}
CPP

stores() {  # stores [OPTION...]: of 64 bytes to the stack
  # The headers of the compiler alone: what allocates memory is left out.
  LD_LIBRARY_PATH=$folder/usr/lib/x86_64-linux-gnu usr/lib/gcc/x86_64-linux-gnu/12/cc1plus -quiet -O3 -mavx512f -mavx512vnni \
    -nostdinc -isystem usr/lib/gcc/x86_64-linux-gnu/12/include -D_MM_MALLOC_H_INCLUDED "$@" tile.cpp -o tile.s
  grep -cE 'vmov[a-z0-9]+[[:space:]]+%zmm[0-9]+, -?[0-9]*\(%r[sb]p\)' tile.s || true
}

plain=$(stores)
mended=$(stores -DOTHER_VALUES)
echo "stores of 64 bytes to the stack: $plain; with an empty asm behind the loop: $mended"
if ((plain >= 28 && mended == 0)); then
  echo "as described"
else
  echo "NOT as described"
  exit 1
fi

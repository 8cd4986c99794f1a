// The register tiles of every instruction set and the machines that run them: the one list from
// which product, convolution and attention make their implementations.
#pragma once

#include <vector>

#include "engine/backend/cpu/features.h"
#include "engine/backend/cpu/tile/tile.h"
#include "engine/tensor/dtype.h"

namespace imagined::engine {

template <const TileKernel&... kKernels>
struct TileKernels {};

/// Best first. A new instruction set is a file tile_<isa>.cpp, a line here and one in runs_on.
using AllTileKernels = TileKernels<kTileAmxBf16, kTileAvx512Bf16, kTileAvx512, kTileAvx2>;

/// The same of whole numbers, for products alone.
using Int8TileKernels = TileKernels<kTileAmxInt8, kTileAvx512Vnni, kTileAvxVnni, kTileAvx2Int8>;

/// What `make<kernel>()` gives for each of the tiles, in their order.
template <class Implementation, const TileKernel&... kKernels, class Make>
std::vector<Implementation> for_tiles(TileKernels<kKernels...>, const Make& make) {
  return {make.template operator()<kKernels>()...};
}

/// The same for all tiles of numbers, best first, and the slow twin last.
template <class Implementation, class Make>
std::vector<Implementation> for_all_tiles(const Make& make, const Implementation& twin) {
  auto all = for_tiles<Implementation>(AllTileKernels(), make);
  all.push_back(twin);
  return all;
}

/// Whether the machine runs these tiles and they are meant for numbers kept as `numbers`, f32 or
/// bf16. Tiles of f32 take both, as bf16 is widened on the way.
inline bool runs_on(const TileKernel& kernel, const CpuFeatures& cpu, DType numbers) {
  if (kernel.bf16 && numbers != DType::bf16) return false;
  if (&kernel == &kTileAmxBf16) return cpu.amx_bf16;
  if (&kernel == &kTileAvx512Bf16) return cpu.avx512_bf16;
  if (&kernel == &kTileAvx512) return cpu.avx512;
  return cpu.avx2;
}

/// The same for tiles of whole numbers.
inline bool runs_int8_on(const TileKernel& kernel, const CpuFeatures& cpu) {
  if (&kernel == &kTileAmxInt8) return cpu.amx_int8;
  if (&kernel == &kTileAvx512Vnni) return cpu.avx512_vnni;
  if (&kernel == &kTileAvxVnni) return cpu.avx_vnni;
  return cpu.avx2;
}

/// Ends a thread's use of tiles when it goes out of scope; see TileKernel::release.
class TileUse {
 public:
  explicit TileUse(const TileKernel& kernel) : kernel_(kernel) {}
  TileUse(const TileUse&) = delete;
  TileUse& operator=(const TileUse&) = delete;
  ~TileUse() {
    if (kernel_.release != nullptr) kernel_.release();
  }

 private:
  const TileKernel& kernel_;
};

}  // namespace imagined::engine

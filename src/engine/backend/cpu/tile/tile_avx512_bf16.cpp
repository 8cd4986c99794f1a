// bf16 products with 512-bit vectors: each step multiplies a pair of neighbouring elements.
#include "engine/backend/cpu/tile/isa_avx512_bf16_inl.h"
#include "engine/backend/cpu/tile/tile_inl.h"

namespace imagined::engine {

constexpr TileKernel kTileAvx512Bf16 = make_kernel<Avx512Bf16>("avx512_bf16", true);

}  // namespace imagined::engine

// f32 products with 512-bit vectors.
#include "engine/backend/cpu/tile/isa_avx512_inl.h"
#include "engine/backend/cpu/tile/tile_inl.h"

namespace imagined::engine {

constexpr TileKernel kTileAvx512 = make_kernel<Avx512>("avx512", false);

}  // namespace imagined::engine

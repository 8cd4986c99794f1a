// f32 products with 256-bit vectors: every machine that the engine runs on.
#include "engine/backend/cpu/tile/isa_avx2_inl.h"
#include "engine/backend/cpu/tile/tile_inl.h"

namespace imagined::engine {

constexpr TileKernel kTileAvx2 = make_kernel<Avx2>("avx2", false);

}  // namespace imagined::engine

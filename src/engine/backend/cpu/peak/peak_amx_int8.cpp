#include "engine/backend/cpu/peak/amx_loop_inl.h"
#include "engine/backend/cpu/peak/loops.h"

namespace imagined::engine {
namespace {

struct Product {
  static constexpr int kLength = 64;
  static void upper_left() { _tile_dpbssd(0, 4, 6); }
  static void upper_right() { _tile_dpbssd(1, 4, 7); }
  static void lower_left() { _tile_dpbssd(2, 5, 6); }
  static void lower_right() { _tile_dpbssd(3, 5, 7); }
};

}  // namespace

double peak_int8_amx_int8(std::int64_t rounds) { return amx_loop<Product>(rounds); }

}  // namespace imagined::engine

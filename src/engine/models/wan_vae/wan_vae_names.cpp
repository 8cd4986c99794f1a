#include "engine/models/wan_vae/wan_vae_names.h"

#include <array>

namespace imagined::engine {
namespace {

/// Filters over time and space are matrices here, a row for each that comes out; the norms' factors
/// [c, 1, 1, 1] are vectors.
CanonicalNames canonical(std::string_view name, std::int64_t /*decoder_levels*/) {
  CanonicalNames out = unchanged(name);
  out.vector = name.ends_with(".gamma");
  out.matrix = !out.vector;
  return out;
}

constexpr std::array<std::string_view, 1> kAnchors = {"decoder.norm_out.gamma"};
constexpr std::array<std::string_view, 4> kRoots = {"encoder", "decoder", "quant_conv",
                                                    "post_quant_conv"};

}  // namespace

const NameTable& wan_vae_names() {
  static constexpr NameTable table = {.what = "a Wan autoencoder",
                                      .anchors = kAnchors,
                                      .roots = kRoots,
                                      .beside = {},
                                      .relatives = {},
                                      .canonical = canonical};
  return table;
}

}  // namespace imagined::engine

#include "engine/models/wan/wan_names.h"

#include <array>

namespace imagined::engine {
namespace {

/// The embedding of patches is a convolution without overlap, that is a matrix.
CanonicalNames canonical(std::string_view name, std::int64_t /*decoder_levels*/) {
  CanonicalNames out = unchanged(name);
  out.matrix = name == "patch_embedding.weight";
  out.vector = name.ends_with("scale_shift_table");
  return out;
}

constexpr std::array<std::string_view, 1> kAnchors = {"condition_embedder.time_proj"};
constexpr std::array<std::string_view, 6> kRoots = {
    "patch_embedding", "condition_embedder", "blocks", "proj_out", "scale_shift_table", "norm_out"};

}  // namespace

const NameTable& wan_names() {
  static constexpr NameTable table = {.what = "a Wan transformer",
                                      .anchors = kAnchors,
                                      .roots = kRoots,
                                      .beside = {},
                                      .relatives = {},
                                      .canonical = canonical};
  return table;
}

}  // namespace imagined::engine

#include "engine/models/clip/clip_names.h"

#include <algorithm>
#include <array>
#include <string>

namespace imagined::engine {
namespace {

/// `name` is what follows `text_model.`, which files of transformers 5 leave out. Old files keep
/// the numbers 0 to 76 as a tensor.
CanonicalNames canonical(std::string_view name, std::int64_t /*decoder_levels*/) {
  if (name == "embeddings.position_ids") return {};
  return unchanged("text_model." + std::string(name));
}

constexpr std::array<std::string_view, 1> kAnchors = {"embeddings.token_embedding"};
constexpr std::array<std::string_view, 3> kRoots = {"embeddings", "encoder", "final_layer_norm"};
constexpr std::array<std::string_view, 4> kBeside = {"text_projection", "logit_scale",
                                                     "visual_projection", "vision_model"};

}  // namespace

const NameTable& clip_names() {
  static constexpr NameTable table = {.what = "a CLIP text encoder",
                                      .anchors = kAnchors,
                                      .roots = kRoots,
                                      .beside = kBeside,
                                      .relatives = {},
                                      .canonical = canonical};
  return table;
}

}  // namespace imagined::engine

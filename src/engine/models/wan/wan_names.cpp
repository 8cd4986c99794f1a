#include "engine/models/wan/wan_names.h"

#include <fmt/core.h>

#include <array>

namespace imagined::engine {
namespace {

// The tables of the two layouts of Wan (Wan-Video/Wan2.2 model.py, whose names ComfyUI's and GGUF
// files keep, against diffusers' transformer_wan.py), each row once for the weight and once for the
// bias. Outside the blocks:
const std::vector<NameRow>& wan_rows() {
  static const std::vector<NameRow> rows = {
      {"text_embedding.0", {"condition_embedder.text_embedder.linear_1"}},
      {"text_embedding.2", {"condition_embedder.text_embedder.linear_2"}},
      {"time_embedding.0", {"condition_embedder.time_embedder.linear_1"}},
      {"time_embedding.2", {"condition_embedder.time_embedder.linear_2"}},
      {"time_projection.1", {"condition_embedder.time_proj"}},
      {"head.head", {"proj_out"}},
  };
  return rows;
}

// Within blocks.N. Norms are numbered there as they were written, by diffusers as they are used.
const std::vector<NameRow>& wan_block_rows() {
  static const std::vector<NameRow> rows = {
      {"self_attn.q", {"attn1.to_q"}},
      {"self_attn.k", {"attn1.to_k"}},
      {"self_attn.v", {"attn1.to_v"}},
      {"self_attn.o", {"attn1.to_out.0"}},
      {"self_attn.norm_q", {"attn1.norm_q"}},
      {"self_attn.norm_k", {"attn1.norm_k"}},
      {"cross_attn.q", {"attn2.to_q"}},
      {"cross_attn.k", {"attn2.to_k"}},
      {"cross_attn.v", {"attn2.to_v"}},
      {"cross_attn.o", {"attn2.to_out.0"}},
      {"cross_attn.norm_q", {"attn2.norm_q"}},
      {"cross_attn.norm_k", {"attn2.norm_k"}},
      {"norm3", {"norm2"}},
      {"ffn.0", {"ffn.net.0.proj"}},
      {"ffn.2", {"ffn.net.2"}},
  };
  return rows;
}

constexpr std::string_view kModulation = "modulation";
constexpr std::string_view kTable = "scale_shift_table";

/// The tables leave out the name's end, `.weight` or `.bias`.
std::string renamed(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return std::string(name);
  const std::string_view stem = name.substr(0, dot);
  const std::string_view end = name.substr(dot + 1);
  if (stem == "head" && end == kModulation) return std::string(kTable);
  if (const NameRow* row = find_row(wan_rows(), stem))
    return fmt::format("{}.{}", row->to.front(), end);
  if (const auto block = indexed(name, "blocks."); block && block->rest == kModulation)
    return fmt::format("{}.{}", stem, kTable);
  if (const auto block = indexed(stem, "blocks."))
    if (const NameRow* row = find_row(wan_block_rows(), block->rest))
      return fmt::format("blocks.{}.{}.{}", block->index, row->to.front(), end);
  return std::string(name);
}

/// The embedding of patches is a convolution without overlap, that is a matrix.
CanonicalNames canonical(std::string_view name, std::int64_t /*decoder_levels*/) {
  CanonicalNames out = unchanged(renamed(name));
  out.matrix = name == "patch_embedding.weight";
  out.vector = out.names.front().ends_with(kTable);
  return out;
}

constexpr std::array<std::string_view, 2> kAnchors = {"condition_embedder.time_proj",
                                                      "time_projection"};
constexpr std::array<std::string_view, 10> kRoots = {
    "patch_embedding", "condition_embedder", "text_embedding", "time_embedding", "time_projection",
    "blocks",          "proj_out",           "head",           kTable,           "norm_out"};

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

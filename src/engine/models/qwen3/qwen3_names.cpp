#include "engine/models/qwen3/qwen3_names.h"

#include <algorithm>
#include <array>
#include <string>

#include "engine/formats/llama_names.h"

namespace imagined::engine {
namespace {

using Pair = LlamaNames::Pair;

constexpr std::array<Pair, 3> kOutside = {{
    {"token_embd.weight", "model.embed_tokens.weight"},
    {"output_norm.weight", "model.norm.weight"},
    {"output.weight", "lm_head.weight"},
}};
constexpr std::array<Pair, 11> kInside = {{
    {"attn_norm.weight", "input_layernorm.weight"},
    {"attn_q.weight", "self_attn.q_proj.weight"},
    {"attn_k.weight", "self_attn.k_proj.weight"},
    {"attn_v.weight", "self_attn.v_proj.weight"},
    {"attn_q_norm.weight", "self_attn.q_norm.weight"},
    {"attn_k_norm.weight", "self_attn.k_norm.weight"},
    {"attn_output.weight", "self_attn.o_proj.weight"},
    {"ffn_norm.weight", "post_attention_layernorm.weight"},
    {"ffn_gate.weight", "mlp.gate_proj.weight"},
    {"ffn_up.weight", "mlp.up_proj.weight"},
    {"ffn_down.weight", "mlp.down_proj.weight"},
}};

constexpr std::array<std::string_view, 8> kRoots = {
    "embed_tokens", "layers", "norm", "lm_head", "token_embd", "blk", "output_norm", "output"};
constexpr std::string_view kWeight = ".weight";

constexpr LlamaNames kLlama = {kOutside, "blk.", "model.layers.", kInside};

/// transformers' names begin with `model.`, which may be a part of the prefix. Old files keep the
/// frequencies of the rotation, which the configuration says.
CanonicalNames canonical(std::string_view name, std::int64_t /*decoder_levels*/) {
  if (const std::string known = kLlama.transformers_name(name); !known.empty())
    return known == "lm_head.weight" ? CanonicalNames() : unchanged(known);
  if (name == "lm_head.weight" || name.ends_with("rotary_emb.inv_freq")) return {};
  return unchanged(name.starts_with("model.") ? std::string(name) : "model." + std::string(name));
}

constexpr std::array<std::string_view, 2> kAnchors = {"layers.0.self_attn.q_norm",
                                                      "blk.0.attn_q_norm"};
constexpr std::array<std::string_view, 4> kBeside = {"lm_head", "visual", "logit_scale",
                                                     "rotary_emb"};
// Of Qwen3-VL.
constexpr std::array<std::string_view, 1> kRelatives = {"language_model."};

/// Rows of queries and keys as llama.cpp's converter puts them for models of Llama's kind: those of
/// a pair stand side by side. Their name says so, for they are not the rows of transformers'
/// tensor.
CanonicalNames canonical_mistral(std::string_view name, std::int64_t /*decoder_levels*/) {
  if (std::string known = kLlama.transformers_name(name); !known.empty()) {
    if (known == "lm_head.weight") return {};
    for (const std::string_view rows : {"q_proj.weight", "k_proj.weight"})
      if (known.ends_with(rows)) known.insert(known.size() - kWeight.size(), kAdjacentPairs);
    return unchanged(known);
  }
  if (name == "lm_head.weight" || name.ends_with("rotary_emb.inv_freq")) return {};
  return unchanged(name.starts_with("model.") ? std::string(name) : "model." + std::string(name));
}

constexpr std::array<std::string_view, 2> kMistralAnchors = {"layers.0.mlp.gate_proj",
                                                             "blk.0.ffn_gate"};
// Of Qwen3, Qwen2 and T5.
constexpr std::array<std::string_view, 5> kMistralNever = {
    "layers.0.self_attn.q_norm", "layers.0.self_attn.q_proj.bias", "blk.0.attn_q_norm",
    "blk.0.attn_q.bias", "blk.0.attn_rel_b"};
constexpr std::array<std::string_view, 8> kMistralRoots = kRoots;
constexpr std::array<std::string_view, 6> kMistralBeside = {
    "lm_head", "vision_tower", "multi_modal_projector", "rotary_emb", "rope_freqs", "tekken_model"};

}  // namespace

const NameTable& mistral_names() {
  static constexpr NameTable table = {.what = "a Mistral text encoder",
                                      .anchors = kMistralAnchors,
                                      .never = kMistralNever,
                                      .roots = kMistralRoots,
                                      .beside = kMistralBeside,
                                      .relatives = {},
                                      .canonical = canonical_mistral};
  return table;
}

const NameTable& qwen3_names() {
  static constexpr NameTable table = {.what = "a Qwen3 text encoder",
                                      .anchors = kAnchors,
                                      .roots = kRoots,
                                      .beside = kBeside,
                                      .relatives = kRelatives,
                                      .canonical = canonical};
  return table;
}

}  // namespace imagined::engine

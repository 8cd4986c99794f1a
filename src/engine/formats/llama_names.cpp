#include "engine/formats/llama_names.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

namespace imagined::engine {
namespace {

using Pair = std::pair<std::string_view, std::string_view>;

/// One network's names: outside the blocks, and within them.
struct Table {
  std::span<const Pair> outside;
  Pair block;  // what stands before a block's number
  std::span<const Pair> inside;
};

constexpr std::array<Pair, 3> kQwen3Outside = {{
    {"token_embd.weight", "model.embed_tokens.weight"},
    {"output_norm.weight", "model.norm.weight"},
    {"output.weight", "lm_head.weight"},
}};
constexpr std::array<Pair, 11> kQwen3Inside = {{
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

constexpr std::array<Pair, 2> kT5Outside = {{
    {"token_embd.weight", "shared.weight"},
    {"enc.output_norm.weight", "encoder.final_layer_norm.weight"},
}};
constexpr std::array<Pair, 10> kT5Inside = {{
    {"attn_norm.weight", "layer.0.layer_norm.weight"},
    {"attn_q.weight", "layer.0.SelfAttention.q.weight"},
    {"attn_k.weight", "layer.0.SelfAttention.k.weight"},
    {"attn_v.weight", "layer.0.SelfAttention.v.weight"},
    {"attn_o.weight", "layer.0.SelfAttention.o.weight"},
    {"attn_rel_b.weight", "layer.0.SelfAttention.relative_attention_bias.weight"},
    {"ffn_norm.weight", "layer.1.layer_norm.weight"},
    {"ffn_gate.weight", "layer.1.DenseReluDense.wi_0.weight"},
    {"ffn_up.weight", "layer.1.DenseReluDense.wi_1.weight"},
    {"ffn_down.weight", "layer.1.DenseReluDense.wo.weight"},
}};

constexpr Table kQwen3 = {kQwen3Outside, {"blk.", "model.layers."}, kQwen3Inside};
constexpr Table kT5 = {kT5Outside, {"enc.blk.", "encoder.block."}, kT5Inside};

std::string_view find_in(std::span<const Pair> pairs, std::string_view name) {
  const auto found = std::find_if(pairs.begin(), pairs.end(),
                                  [&](const Pair& pair) { return pair.first == name; });
  return found == pairs.end() ? std::string_view() : found->second;
}

std::string renamed(std::string_view name, const Table& table) {
  if (const std::string_view to = find_in(table.outside, name); !to.empty()) return std::string(to);
  if (!name.starts_with(table.block.first)) return std::string(name);
  const std::string_view rest = name.substr(table.block.first.size());  // "3.ffn_up.weight"
  const std::size_t dot = rest.find('.');
  if (dot == std::string_view::npos) return std::string(name);
  const std::string_view inside = find_in(table.inside, rest.substr(dot + 1));
  if (inside.empty()) return std::string(name);
  std::string out(table.block.second);
  out += rest.substr(0, dot + 1);
  out += inside;
  return out;
}

}  // namespace

std::string transformers_name(std::string_view llama_name, Network network) {
  if (network == Network::qwen3) return renamed(llama_name, kQwen3);
  if (network == Network::t5) return renamed(llama_name, kT5);
  return std::string(llama_name);
}

}  // namespace imagined::engine

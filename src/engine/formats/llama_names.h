// From the names that llama.cpp gives a text encoder's tensors to those of transformers.
#pragma once

#include <string>
#include <string_view>

#include "engine/formats/weight_source.h"

namespace imagined::engine {

/// For qwen3 "blk.3.ffn_up.weight" is "model.layers.3.mlp.up_proj.weight", for t5
/// "enc.blk.3.attn_q.weight" is "encoder.block.3.layer.0.SelfAttention.q.weight". Any other name,
/// and every name of another network, stays as it is. The order of rows is the same in both: none
/// of these is permuted on the way.
/// Source: llama.cpp, gguf-py/gguf/tensor_mapping.py.
std::string transformers_name(std::string_view llama_name, Network network);

}  // namespace imagined::engine

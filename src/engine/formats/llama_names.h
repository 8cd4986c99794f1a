// From the names that llama.cpp gives a text encoder's tensors to those of transformers.
#pragma once

#include <string>
#include <string_view>

namespace imagined::engine {

/// "blk.3.ffn_up.weight" is "model.layers.3.mlp.up_proj.weight". Any other name stays as it is.
/// The order of rows is the same in both: Qwen3 is not permuted on the way.
/// Source: llama.cpp, gguf-py/gguf/tensor_mapping.py.
std::string transformers_name(std::string_view llama_name);

}  // namespace imagined::engine

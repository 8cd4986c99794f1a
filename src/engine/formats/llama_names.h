// From the names that llama.cpp gives a text encoder's tensors to those of transformers.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace imagined::engine {

/// One network's names. The order of rows is the same in both: none of these is permuted on the
/// way. Source: llama.cpp, gguf-py/gguf/tensor_mapping.py.
struct LlamaNames {
  using Pair = std::pair<std::string_view, std::string_view>;
  std::span<const Pair> outside;        // the blocks
  std::string_view block;               // what stands before a block's number,
  std::string_view transformers_block;  // and what transformers puts there
  std::span<const Pair> inside;

  /// "blk.3.ffn_up.weight" is "model.layers.3.mlp.up_proj.weight" for Qwen3; empty for a name that
  /// is none of llama.cpp's.
  std::string transformers_name(std::string_view llama_name) const;
};

}  // namespace imagined::engine

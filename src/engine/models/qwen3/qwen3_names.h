#pragma once

#include "engine/formats/name_table.h"

namespace imagined::engine {

/// Those of transformers, and those of llama.cpp.
const NameTable& qwen3_names();

/// Mistral's decoder, alone or as the language half of Mistral3; those of transformers, and those
/// of llama.cpp. Under the same canonical names as Qwen3's, but that llama.cpp's q_proj and k_proj
/// are called so with kAdjacentPairs behind.
const NameTable& mistral_names();

/// The rows of each head in another order: file row 2 j + p is row j + p * head_dim / 2.
inline constexpr std::string_view kAdjacentPairs = "_adjacent";

}  // namespace imagined::engine

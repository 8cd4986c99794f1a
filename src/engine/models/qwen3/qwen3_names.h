#pragma once

#include "engine/formats/name_table.h"

namespace imagined::engine {

/// Those of transformers, and those of llama.cpp.
const NameTable& qwen3_names();

/// Mistral's decoder, alone or as the language half of Mistral3; those of transformers. Under the
/// same canonical names as Qwen3's.
const NameTable& mistral_names();

}  // namespace imagined::engine

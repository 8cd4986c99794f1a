#pragma once

#include "engine/formats/name_table.h"

namespace imagined::engine {

/// Those of transformers, and those of llama.cpp.
const NameTable& qwen3_names();

}  // namespace imagined::engine

#pragma once

#include "engine/formats/name_table.h"

namespace imagined::engine {

/// Those of transformers, and those of llama.cpp.
const NameTable& t5_names();

}  // namespace imagined::engine

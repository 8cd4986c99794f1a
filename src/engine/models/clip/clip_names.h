#pragma once

#include "engine/formats/name_table.h"

namespace imagined::engine {

/// Those of transformers, with and without `text_model.`.
const NameTable& clip_names();

}  // namespace imagined::engine

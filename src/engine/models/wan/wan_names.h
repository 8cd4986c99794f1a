#pragma once

#include "engine/formats/name_table.h"

namespace imagined::engine {

/// diffusers' layout.
const NameTable& wan_names();

}  // namespace imagined::engine

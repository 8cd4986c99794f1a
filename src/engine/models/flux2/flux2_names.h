#pragma once

#include "engine/formats/name_table.h"

namespace imagined::engine {

/// Black Forest Labs' layout and ComfyUI's, and diffusers' own with q, k and v fused or not.
const NameTable& flux2_names();

}  // namespace imagined::engine

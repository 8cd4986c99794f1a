#pragma once

#include "engine/formats/name_table.h"

namespace imagined::engine {

/// Black Forest Labs' layout and ComfyUI's, and diffusers' own.
const NameTable& flux1_names();

}  // namespace imagined::engine

#pragma once

#include "engine/formats/name_table.h"

namespace imagined::engine {

/// Black Forest Labs' layout and diffusers'.
const NameTable& vae_names();

}  // namespace imagined::engine

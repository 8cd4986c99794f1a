#pragma once

#include "engine/families/family.h"

namespace imagined::engine {

/// FLUX.1 [schnell], [dev] and [Kontext].
extern const Family kFlux1;

}  // namespace imagined::engine

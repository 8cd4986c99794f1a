#pragma once

#include "engine/families/family.h"

namespace imagined::engine {

/// FLUX.2 [dev].
extern const Family kFlux2Dev;

}  // namespace imagined::engine

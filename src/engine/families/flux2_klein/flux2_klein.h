#pragma once

#include "engine/families/family.h"

namespace imagined::engine {

/// FLUX.2 [klein], distilled, base and with cached references; Paperland.
extern const Family kFlux2Klein;

}  // namespace imagined::engine

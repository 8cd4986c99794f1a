#pragma once

#include "engine/families/family.h"

namespace imagined::engine {

extern const Family kWan;

}  // namespace imagined::engine

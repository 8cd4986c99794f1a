// How the networks of each family are loaded: one function and one file a family.
#pragma once

#include "engine/families/family.h"

namespace imagined::engine {

/// FLUX.2 [klein], distilled, base and with cached references; Paperland.
Result<Networks> load_flux2_klein(const Context& context, const ModelFolder& model,
                                  NumberFormat format);

/// FLUX.1 [schnell] and [dev].
Result<Networks> load_flux1(const Context& context, const ModelFolder& model, NumberFormat format);

}  // namespace imagined::engine

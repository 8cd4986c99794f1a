// What people take for a model and is none: other networks, adapters, weights in other tools'
// forms.
#pragma once

#include <string>

#include "base/result.h"
#include "engine/formats/weight_files.h"

namespace imagined::engine {

/// "a VAE", "a LoRA", "a ControlNet": what messages call a file by its tensors. A file of no
/// network that is known is shown by the name of one of its tensors.
std::string what_it_is(const WeightFiles& files);

/// `unimplemented` where the network's weights are in a form that is known and not read: quantised
/// by a tool (bitsandbytes, torchao, quanto, ...), or with an adapter still in them. `config` is
/// the text of the config.json beside them, or empty.
Result<> refuse_other_forms(const WeightFiles& files, std::string_view config);

}  // namespace imagined::engine

// The model families that this build knows, and the networks that make one up.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "engine/backend/context.h"
#include "engine/formats/model_folder.h"
#include "engine/models/common/number_format.h"
#include "engine/models/flux2/flux2.h"
#include "engine/models/qwen3/qwen3.h"
#include "engine/models/vae/vae.h"

namespace imagined::engine {

/// The networks of one model, loaded. Immutable.
struct Networks {
  Qwen3 text_encoder;
  Flux2 transformer;
  Vae vae;
  std::int64_t parameters = 0;  // in the files, also those that no picture needs
  std::int64_t held_bytes = 0;  // of packed weights
};

/// Loads what `model.family` consists of. Errors: `unimplemented` for another family; those of
/// WeightSource::open and WeightLoader, with the network's name before the message; also
/// `invalid_argument` when a file holds weights that the network does not have, which is another
/// model's file.
Result<std::unique_ptr<const Networks>> load_networks(const Context& context,
                                                      const ModelFolder& model,
                                                      NumberFormat format);

}  // namespace imagined::engine

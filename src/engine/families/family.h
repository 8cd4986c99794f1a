// The model families that this build knows, and what makes one up.
#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/backend/context.h"
#include "engine/families/model_folder.h"
#include "engine/models/common/number_format.h"
#include "engine/models/common/transformer.h"
#include "engine/models/vae/vae.h"
#include "engine/tokenizers/tokenizer.h"

namespace imagined::engine {

/// A prompt as a family's text encoders take it.
struct PromptIds {
  PromptEncoding main;               // of the encoder whose features are tokens: Qwen3, T5
  std::vector<std::int32_t> pooled;  // of the one that gives the pooled vector, CLIP; else empty
  bool operator==(const PromptIds&) const = default;
};

/// The tokenizers and text encoders of a model. Immutable.
class PromptEncoder {
 public:
  virtual ~PromptEncoder() = default;

  /// Cut, and padded where the model was trained so.
  virtual PromptIds ids(std::string_view prompt) const = 0;

  /// Errors: `invalid_argument` for an id that the encoder does not have; `cancelled`.
  virtual Result<TextFeatures> encode(const Context& context, const PromptIds& ids,
                                      const std::stop_token& stop) const = 0;

  /// What fills `main` up behind the prompt.
  virtual std::int32_t pad_id() const = 0;
  /// Layers behind which the features are taken.
  virtual std::int64_t layers() const = 0;
  /// Multiplications and additions of one call of `encode`.
  virtual double flop(const PromptIds& ids) const = 0;
};

/// The networks of one model, loaded. Immutable.
struct Networks {
  std::unique_ptr<const PromptEncoder> prompts;
  std::unique_ptr<const Transformer> transformer;
  Vae vae;
  std::int64_t parameters = 0;  // in the files, also those that no picture needs
  std::int64_t held_bytes = 0;  // of packed weights
};

/// Loads what `model.family` consists of. Errors: `unimplemented` for another family; those of the
/// tokenizers, WeightSource::open and WeightLoader, with the network's name before the message;
/// also `invalid_argument` when a file holds weights that the network does not have, which is
/// another model's file.
Result<Networks> load_networks(const Context& context, const ModelFolder& model,
                               NumberFormat format);

}  // namespace imagined::engine

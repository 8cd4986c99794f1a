// What a model family is: the one thing that a new one brings, in a folder of its own.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/backend/context.h"
#include "engine/families/model_files.h"
#include "engine/families/model_plan.h"
#include "engine/families/pipeline_index.h"
#include "engine/models/common/autoencoder.h"
#include "engine/models/common/number_format.h"
#include "engine/models/common/transformer.h"
#include "engine/tokenizers/prompt_encoding.h"
#include "engine/tokenizers/tokenizer_kind.h"

namespace imagined::engine {

/// A prompt as a family's text encoders take it.
struct PromptIds {
  PromptEncoding main;               // of the encoder whose features are tokens: Qwen3, T5
  std::vector<std::int32_t> pooled;  // of the one that gives the pooled vector, CLIP; else empty
  bool operator==(const PromptIds&) const = default;
};

/// How much of a prompt one text encoder reads.
struct PromptReading {
  std::string_view encoder;  // "the text encoder", "CLIP"
  std::int64_t tokens = 0;   // of the prompt as it is, with what the model puts around it
  std::int64_t read = 0;     // of those, up to the model's limit
};

/// The tokenizers and text encoders of a model. Immutable.
class PromptEncoder {
 public:
  virtual ~PromptEncoder() = default;

  /// Cut, and padded where the model was trained so.
  virtual PromptIds ids(std::string_view prompt) const = 0;

  /// The encoder of the tokens first.
  virtual std::vector<PromptReading> reading(std::string_view prompt) const = 0;

  /// Errors: `invalid_argument` for an id that the encoder does not have; `cancelled`.
  virtual Result<TextFeatures> encode(const Context& context, const PromptIds& ids,
                                      const std::stop_token& stop) const = 0;

  /// Multiplications and additions of one call of `encode`.
  virtual double flop(const PromptIds& ids) const = 0;

  /// Of the longest prompt that is read.
  virtual WorkCost cost() const = 0;
};

/// A network of which weights are read where their files hold them.
struct MappedNetwork {
  std::shared_ptr<const WeightSource> source;
  std::vector<std::span<const std::byte>> tensors;  // in the mapping
  std::int64_t bytes = 0;                           // of those that are read
};

/// The networks of one model, loaded. Immutable.
struct Networks {
  /// `data_loss` when a file whose rows are still read was changed meanwhile.
  Result<> intact() const;
  /// The same, and when a number in them turned out not to be finite; see WeightSource::sound.
  Result<> sound() const;
  /// The networks of which weights are read in place: those of `prompts`, and all others.
  std::span<const MappedNetwork> encoders() const {
    return std::span(mapped).first(mapped_encoders);
  }
  std::span<const MappedNetwork> others() const {
    return std::span(mapped).subspan(mapped_encoders);
  }

  std::unique_ptr<const PromptEncoder> prompts;
  std::unique_ptr<const Transformer> transformer;
  std::unique_ptr<const Autoencoder> vae;
  std::vector<MappedNetwork> mapped;
  std::size_t mapped_encoders = 0;      // of these, the first ones: those of `prompts`
  std::int64_t parameters = 0;          // in the files, also those that no picture needs
  std::int64_t held_bytes = 0;          // of weights in memory of their own
  std::int64_t mapped_bytes = 0;        // of weights that are read where their files hold them
  std::vector<std::string> notes;       // what was found while loading that its user should know
  std::int64_t text_layers = 0;         // that features have passed through
  std::int64_t transformer_layers = 0;  // that a step passes through
};

/// Takes the weights' pages out of this process, for the other networks that need the memory. They
/// come back when they are read.
void release(std::span<const MappedNetwork> networks);

struct Family {
  std::string_view name;
  std::span<const PipelineClass> pipelines;
  std::span<const PipelineComponent> components;
  /// What an index may say beside its parts that this family cannot run; null: nothing.
  void (*check_index)(ConfigReader& index);
  /// The networks that its models consist of, the transformer first.
  std::vector<const NameTable*> (*networks)();
  /// Whether a file with a transformer, of one of these networks, is one of this family's.
  bool (*owns)(const WeightFiles& files);
  /// Chooses the parts and reads what is said about them, without touching the weights' bytes.
  Result<ModelPlan> (*describe)(ModelFiles& files);
  /// Whether the parts fit together. `invalid_argument` says which do not.
  Result<> (*check)(const ModelPlan& plan);
  /// Errors: those of the tokenizers, WeightSource and WeightLoader, with the network's name before
  /// the message; also `invalid_argument` when a file holds weights that the network does not have,
  /// which is another model's file.
  Result<Networks> (*load)(const Context& context, const ModelPlan& plan, NumberFormat format);
  /// The part whose tokenizer reads the prompt's tokens, and the ids that it gives a prompt,
  /// neither cut nor padded.
  std::string_view tokenizer_part;
  TokenizerKind tokenizer_kind;
  Result<std::vector<std::int32_t>> (*tokens)(const std::filesystem::path& tokenizer,
                                              std::string_view prompt);
};

}  // namespace imagined::engine

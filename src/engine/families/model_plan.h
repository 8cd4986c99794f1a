// What a model is, once its files were looked at and before its weights are read.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "engine/engine.h"
#include "engine/families/sampling_config.h"
#include "engine/families/scheduler_config.h"
#include "engine/formats/weight_files.h"
#include "engine/models/common/adapters.h"
#include "engine/models/vae/vae_config.h"

namespace imagined::engine {

/// How prompts become features; keys of model_index.json that diffusers keeps as call arguments.
struct TextConfig {
  /// text_encoder_out_layers: the residual stream after that many layers, in this order, joined.
  /// 0 is the embedding; the last layer's tap includes the final norm, as in transformers.
  std::vector<std::int64_t> taps = {9, 18, 27};
  bool taps_stated = false;     // whether the key is there
  std::int64_t max_tokens = 0;  // max_sequence_length; 0: as the family's published models
  bool pad = true;              // text_padding "none" switches it off
};

/// One part of a model, why it was taken, and its files while the model loads.
struct ModelPart {
  std::string name;  // as diffusers calls its folder
  std::filesystem::path path;
  std::string why;
  std::shared_ptr<const WeightFiles> weights;  // null for a tokenizer
  std::vector<Adapter> adapters;               // that are laid on it
};

/// Who has the last word.
inline constexpr std::string_view kByConfiguration = "the configuration";

/// A fact that no tensor shows, and who says so.
struct Statement {
  bool value = false;
  std::string by;  // "model_index.json", "no word \"base\" in the name", kByConfiguration
};

/// What only a family knows about a model of its own.
class FamilyPlan {
 public:
  virtual ~FamilyPlan() = default;
};

struct Family;

/// In pixels, of a reference as the model wants it.
struct ReferenceSize {
  int width = 0;
  int height = 0;
};

struct ModelPlan {
  std::string name;  // of the folder or of the file, without its path
  const Family* family = nullptr;
  Statement distilled;
  Statement cached_references;  // see Flux2Config
  GuidanceUse guidance = GuidanceUse::none;
  std::int64_t max_references = 8;
  /// References become the one of these that is nearest in its ratio; empty: they keep theirs.
  std::span<const ReferenceSize> reference_sizes;
  bool inpaints = false;  // can keep a part of a picture as it is
  /// Side of the square of latents that makes up a token of the noise as it is drawn.
  std::int64_t noise_fold = 1;

  VaeConfig vae;  // of the FLUX families
  std::int64_t pixels_per_token = 0;
  SchedulerConfig scheduler;
  /// What a model was told of the noise levels that it was distilled at: in that many steps it is
  /// told these. Empty: the scheduler's. A family whose models are distilled so sets Solver::dmd.
  std::vector<float> distilled_times;
  TextConfig text;
  SamplingDefaults sampling;
  ModelCard card;

  std::vector<ModelPart> parts;
  std::vector<std::string> notes;  // what was found or decided that its user should know
  std::shared_ptr<const FamilyPlan> own;

  const ModelPart& part(std::string_view part_name) const;
  /// The family's own part; asking for another family's is our bug.
  template <class Own>
  const Own& own_as() const {
    const auto* typed = dynamic_cast<const Own*>(own.get());
    CHECK(typed != nullptr, "the plan of another family");
    return *typed;
  }
  /// Lets the files go that nobody reads any more.
  void release_weights();
};

}  // namespace imagined::engine

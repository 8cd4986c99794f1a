#include "engine/models/flux1/flux1.h"

#include <fmt/core.h>

#include "engine/families/families.h"
#include "engine/families/load_network.h"
#include "engine/models/clip/clip_names.h"
#include "engine/models/clip/clip_text.h"
#include "engine/models/flux1/flux1_names.h"
#include "engine/models/t5/t5.h"
#include "engine/models/t5/t5_names.h"
#include "engine/models/vae/vae_names.h"
#include "engine/tokenizers/clip_tokenizer.h"
#include "engine/tokenizers/t5_tokenizer.h"

namespace imagined::engine {
namespace {

/// T5's features of the prompt, and CLIP's vector of it (flux.md 5.5, 5.7).
class Flux1Prompts final : public PromptEncoder {
 public:
  struct Parts {
    T5Tokenizer t5_tokenizer;
    ClipTokenizer clip_tokenizer;
    T5 t5;
    ClipText clip;
    PromptLength length;       // of T5's prompts
    PromptLength clip_length;  // of CLIP's
  };
  explicit Flux1Prompts(Parts parts) : parts_(std::move(parts)) {}

  PromptIds ids(std::string_view prompt) const override {
    return {.main = parts_.t5_tokenizer.encode_prompt(prompt, parts_.length),
            .pooled = parts_.clip_tokenizer.encode_prompt(prompt, parts_.clip_length).ids};
  }

  Result<TextFeatures> encode(const Context& context, const PromptIds& ids,
                              const std::stop_token& stop) const override {
    TextFeatures features;
    features.pooled = TRY(parts_.clip.encode(context, ids.pooled, stop));
    features.tokens = TRY(parts_.t5.encode(context, ids.main.ids, stop));
    return features;
  }

  std::int32_t pad_id() const override { return parts_.t5_tokenizer.pad_id(); }
  std::int64_t layers() const override { return parts_.t5.layers(); }
  double flop(const PromptIds& ids) const override {
    return parts_.t5.flop(static_cast<std::int64_t>(ids.main.ids.size())) +
           parts_.clip.flop(static_cast<std::int64_t>(ids.pooled.size()));
  }

 private:
  Parts parts_;
};

Result<> check_vocabulary(const char* tokenizer, std::int64_t tokens, std::int64_t rows) {
  if (tokens <= rows) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: {} tokens for a text encoder with {}", tokenizer, tokens, rows));
}

bool is_needed(std::string_view) { return false; }

Result<std::unique_ptr<const PromptEncoder>> load_prompts(const Context& context,
                                                          const ModelFolder& model,
                                                          NumberFormat format, Networks& sums) {
  ClipTokenizer clip_tokenizer = TRY(ClipTokenizer::load(model.tokenizer));
  TRY(check_vocabulary("tokenizer", clip_tokenizer.vocab_size(), model.clip.vocab_size));
  T5Tokenizer t5_tokenizer = TRY(T5Tokenizer::load(model.tokenizer_2));
  TRY(check_vocabulary("tokenizer_2", t5_tokenizer.vocab_size(), model.t5.vocab_size));
  ClipText clip = TRY(load_network(
      context, "text encoder", model.text_encoder, clip_names(), format, sums,
      // Position numbers that older files hold, and what projects the vector into CLIP's joint
      // space, which FLUX.1 does not enter.
      [](std::string_view name) {
        return name.ends_with("position_ids") || name == "text_projection.weight" ||
               name == "logit_scale";
      },
      [&](WeightLoader& weights) { return ClipText::load(weights, model.clip); }));
  T5 t5 = TRY(load_network(context, "text encoder 2", model.text_encoder_2, t5_names(), format,
                           sums, is_needed,
                           [&](WeightLoader& weights) { return T5::load(weights, model.t5); }));
  return std::make_unique<Flux1Prompts>(
      Flux1Prompts::Parts{.t5_tokenizer = std::move(t5_tokenizer),
                          .clip_tokenizer = std::move(clip_tokenizer),
                          .t5 = std::move(t5),
                          .clip = std::move(clip),
                          .length = {.max_tokens = model.text.max_tokens, .pad = model.text.pad},
                          .clip_length = {.max_tokens = model.clip.positions, .pad = true}});
}

}  // namespace

Result<Networks> load_flux1(const Context& context, const ModelFolder& model, NumberFormat format) {
  Networks networks;
  networks.prompts = TRY(load_prompts(context, model, format, networks));
  networks.transformer = TRY(load_network(
      context, "transformer", model.transformer, flux1_names(), format, networks, is_needed,
      [&](WeightLoader& weights) { return Flux1::load(weights, model.flux1); }));
  networks.vae = TRY(
      load_network(context, "vae", model.vae, vae_names(), format, networks, is_needed,
                   [&](WeightLoader& weights) { return Vae::load(weights, model.vae_config); }));
  return networks;
}

}  // namespace imagined::engine

#include <fmt/core.h>

#include <algorithm>

#include "engine/families/flux1/plan.h"
#include "engine/families/gguf_tokenizer.h"
#include "engine/families/load_network.h"
#include "engine/models/clip/clip_names.h"
#include "engine/models/clip/clip_text.h"
#include "engine/models/flux1/flux1.h"
#include "engine/models/flux1/flux1_names.h"
#include "engine/models/t5/t5.h"
#include "engine/models/t5/t5_names.h"
#include "engine/models/vae/vae.h"
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

  std::vector<PromptReading> reading(std::string_view prompt) const override {
    const auto count = [](const std::vector<std::int32_t>& ids, std::int64_t around) {
      return static_cast<std::int64_t>(ids.size()) + around;
    };
    const std::int64_t t5 = count(parts_.t5_tokenizer.encode(prompt), 1);      // and its end
    const std::int64_t clip = count(parts_.clip_tokenizer.encode(prompt), 2);  // and both ends
    return {{"T5", t5, std::min(t5, parts_.length.max_tokens)},
            {"CLIP", clip, std::min(clip, parts_.clip_length.max_tokens)}};
  }

  Result<TextFeatures> encode(const Context& context, const PromptIds& ids,
                              const std::stop_token& stop) const override {
    TextFeatures features;
    features.pooled = TRY(parts_.clip.encode(context, ids.pooled, stop));
    features.tokens = TRY(parts_.t5.encode(context, ids.main.ids, stop));
    return features;
  }

  double flop(const PromptIds& ids) const override {
    return parts_.t5.flop(static_cast<std::int64_t>(ids.main.ids.size())) +
           parts_.clip.flop(static_cast<std::int64_t>(ids.pooled.size()));
  }

  WorkCost cost() const override {
    const std::int64_t tokens = parts_.length.max_tokens;
    return {.flop = parts_.t5.flop(tokens) + parts_.clip.flop(parts_.clip_length.max_tokens),
            .bytes = parts_.t5.working_bytes(tokens)};
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
                                                          const ModelPlan& plan,
                                                          NumberFormat format, Networks& sums) {
  const auto& own = plan.own_as<Flux1Plan>();
  ClipTokenizer clip_tokenizer = TRY(ClipTokenizer::load(plan.part("tokenizer").path));
  TRY(check_vocabulary("tokenizer", clip_tokenizer.vocab_size(), own.clip.vocab_size));
  T5Tokenizer t5_tokenizer = TRY(load_t5_tokenizer(plan.part("tokenizer_2").path));
  TRY(check_vocabulary("tokenizer_2", t5_tokenizer.vocab_size(), own.t5.vocab_size));
  ClipText clip = TRY(load_network(
      context, "text encoder", plan.part("text_encoder"), clip_names(), format, sums,
      // Position numbers that older files hold, and what projects the vector into CLIP's joint
      // space, which FLUX.1 does not enter.
      [](std::string_view name) {
        return name.ends_with("position_ids") || name == "text_projection.weight" ||
               name == "logit_scale";
      },
      [&](WeightLoader& weights) { return ClipText::load(weights, own.clip); }));
  T5 t5 = TRY(load_network(context, "text encoder 2", plan.part("text_encoder_2"), t5_names(),
                           format, sums, is_needed,
                           [&](WeightLoader& weights) { return T5::load(weights, own.t5); }));
  sums.text_layers = t5.layers();
  return std::make_unique<Flux1Prompts>(
      Flux1Prompts::Parts{.t5_tokenizer = std::move(t5_tokenizer),
                          .clip_tokenizer = std::move(clip_tokenizer),
                          .t5 = std::move(t5),
                          .clip = std::move(clip),
                          .length = {.max_tokens = plan.text.max_tokens, .pad = plan.text.pad},
                          .clip_length = {.max_tokens = own.clip.positions, .pad = true}});
}

}  // namespace

Result<Networks> load_flux1(const Context& context, const ModelPlan& plan, NumberFormat format) {
  const auto& own = plan.own_as<Flux1Plan>();
  Networks networks;
  networks.prompts = TRY(load_prompts(context, plan, format, networks));
  networks.mapped_encoders = networks.mapped.size();
  networks.transformer = TRY(load_network(
      context, "transformer", plan.part("transformer"), flux1_names(), format, networks, is_needed,
      [&](WeightLoader& weights) { return Flux1::load(weights, own.transformer); }));
  networks.transformer_layers = own.transformer.double_blocks + own.transformer.single_blocks;
  networks.vae = std::make_unique<Vae>(
      TRY(load_network(context, "vae", plan.part("vae"), vae_names(), format, networks, is_needed,
                       [&](WeightLoader& weights) { return Vae::load(weights, plan.vae); })));
  return networks;
}

Result<std::vector<std::int32_t>> flux1_tokens(const std::filesystem::path& tokenizer,
                                               std::string_view prompt) {
  const T5Tokenizer loaded = TRY(load_t5_tokenizer(tokenizer));
  std::vector<std::int32_t> ids = loaded.encode(prompt);
  ids.push_back(loaded.eos_id());
  return ids;
}

}  // namespace imagined::engine

#include <fmt/core.h>

#include <algorithm>

#include "engine/families/flux2_dev/plan.h"
#include "engine/families/gguf_tokenizer.h"
#include "engine/families/load_network.h"
#include "engine/models/flux2/flux2.h"
#include "engine/models/flux2/flux2_names.h"
#include "engine/models/qwen3/qwen3.h"
#include "engine/models/qwen3/qwen3_names.h"
#include "engine/models/vae/vae_names.h"
#include "engine/tokenizers/mistral_tokenizer.h"

namespace imagined::engine {
namespace {

/// A conversation around the prompt, and some of Mistral's layers as features (flux.md 5.4).
class Flux2DevPrompts final : public PromptEncoder {
 public:
  Flux2DevPrompts(MistralTokenizer tokenizer, Qwen3 encoder, PromptLength length)
      : tokenizer_(std::move(tokenizer)), encoder_(std::move(encoder)), length_(length) {}

  PromptIds ids(std::string_view prompt) const override {
    return {.main = tokenizer_.encode_prompt(prompt, length_)};
  }

  std::vector<PromptReading> reading(std::string_view prompt) const override {
    const auto tokens = static_cast<std::int64_t>(tokenizer_.encode_prompt(prompt).size());
    return {{"the text encoder", tokens, std::min(tokens, length_.max_tokens)}};
  }

  Result<TextFeatures> encode(const Context& context, const PromptIds& ids,
                              const std::stop_token& stop) const override {
    TextFeatures features;
    const std::int64_t padding = std::ssize(ids.main.ids) - ids.main.real_count;
    features.tokens = TRY(encoder_.encode_right(context, ids.main.ids, padding, stop));
    return features;
  }

  double flop(const PromptIds& ids) const override {
    // All padding is one row.
    return encoder_.flop(
        std::min(ids.main.real_count + 1, static_cast<std::int64_t>(ids.main.ids.size())));
  }

  WorkCost cost() const override {
    return {.flop = encoder_.flop(length_.max_tokens),
            .bytes = encoder_.working_bytes(length_.max_tokens)};
  }

 private:
  MistralTokenizer tokenizer_;
  Qwen3 encoder_;
  PromptLength length_;
};

Result<std::unique_ptr<const PromptEncoder>> load_prompts(const Context& context,
                                                          const ModelPlan& plan,
                                                          NumberFormat format, Networks& sums) {
  const auto& own = plan.own_as<Flux2DevPlan>();
  MistralTokenizer tokenizer = TRY(load_mistral_tokenizer(plan.part("tokenizer").path));
  if (tokenizer.vocab_size() > own.text_encoder.vocab_size) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("tokenizer: {} tokens for a text encoder with {}",
                            tokenizer.vocab_size(), own.text_encoder.vocab_size));
  }
  const std::vector<std::int64_t>& taps = plan.text.taps;
  Qwen3 encoder = TRY(load_network(
      context, "text encoder", plan.part("text_encoder"), mistral_names(), format, sums,
      [&](std::string_view name) { return Qwen3::is_behind(name, taps); },
      [&](WeightLoader& weights) { return Qwen3::load(weights, own.text_encoder, taps); }));
  sums.text_layers = encoder.layers();
  return std::make_unique<Flux2DevPrompts>(
      std::move(tokenizer), std::move(encoder),
      PromptLength{.max_tokens = plan.text.max_tokens, .pad = plan.text.pad});
}

}  // namespace

Result<Networks> load_flux2_dev(const Context& context, const ModelPlan& plan,
                                NumberFormat format) {
  const auto& own = plan.own_as<Flux2DevPlan>();
  Networks networks;
  networks.prompts = TRY(load_prompts(context, plan, format, networks));
  networks.mapped_encoders = networks.mapped.size();
  networks.transformer = TRY(load_network(
      context, "transformer", plan.part("transformer"), flux2_names(), format, networks,
      [](std::string_view) { return false; },
      [&](WeightLoader& weights) { return Flux2::load(weights, own.transformer); }));
  networks.transformer_layers = own.transformer.double_blocks + own.transformer.single_blocks;
  networks.vae = TRY(load_network(
      context, "vae", plan.part("vae"), vae_names(), format, networks,
      [](std::string_view name) { return name == "bn.num_batches_tracked"; },
      [&](WeightLoader& weights) { return Vae::load(weights, plan.vae); }));
  return networks;
}

Result<std::vector<std::int32_t>> flux2_dev_tokens(const std::filesystem::path& tokenizer,
                                                   std::string_view prompt) {
  const MistralTokenizer loaded = TRY(load_mistral_tokenizer(tokenizer));
  return loaded.encode_prompt(prompt);
}

}  // namespace imagined::engine

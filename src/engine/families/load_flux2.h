// What the families with FLUX.2's transformer load alike: a text encoder of Qwen3's build, of which
// some layers are the features, the transformer and the VAE.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/families/load_network.h"
#include "engine/models/flux2/flux2.h"
#include "engine/models/flux2/flux2_names.h"
#include "engine/models/qwen3/qwen3.h"
#include "engine/models/vae/vae.h"
#include "engine/models/vae/vae_names.h"

namespace imagined::engine {

/// A conversation around the prompt, and some layers of its reader as features.
/// Text  what a family has of its own: `Tokenizer`, `load_tokenizer(path)`, `names()` of the
///       encoder, `encode(encoder, context, tokens, stop)` as Qwen3's, `rows(tokens)`, how many of
///       the tokens are computed.
template <class Text>
class Flux2Prompts final : public PromptEncoder {
 public:
  Flux2Prompts(typename Text::Tokenizer tokenizer, Qwen3 encoder, PromptLength length)
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
    features.tokens = TRY(Text::encode(encoder_, context, ids.main, stop));
    return features;
  }

  double flop(const PromptIds& ids) const override { return encoder_.flop(Text::rows(ids.main)); }

  WorkCost cost() const override {
    return {.flop = encoder_.flop(length_.max_tokens),
            .bytes = encoder_.working_bytes(length_.max_tokens)};
  }

 private:
  typename Text::Tokenizer tokenizer_;
  Qwen3 encoder_;
  PromptLength length_;
};

template <class Text, class Plan>
Result<std::unique_ptr<const PromptEncoder>> load_flux2_prompts(const Context& context,
                                                                const ModelPlan& plan,
                                                                NumberFormat format,
                                                                Networks& sums) {
  const Plan& own = plan.own_as<Plan>();
  auto tokenizer = TRY(Text::load_tokenizer(plan.part("tokenizer").path));
  if (tokenizer.vocab_size() > own.text_encoder.vocab_size) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("tokenizer: {} tokens for a text encoder with {}",
                            tokenizer.vocab_size(), own.text_encoder.vocab_size));
  }
  const std::vector<std::int64_t>& taps = plan.text.taps;
  Qwen3 encoder = TRY(load_network(
      context, "text encoder", plan.part("text_encoder"), Text::names(), format, sums,
      [&](std::string_view name) { return Qwen3::is_behind(name, taps); },
      [&](WeightLoader& weights) { return Qwen3::load(weights, own.text_encoder, taps); }));
  sums.text_layers = encoder.layers();
  return std::make_unique<Flux2Prompts<Text>>(
      std::move(tokenizer), std::move(encoder),
      PromptLength{.max_tokens = plan.text.max_tokens, .pad = plan.text.pad});
}

/// Plan  of the family, with `transformer` and `text_encoder`.
template <class Text, class Plan>
Result<Networks> load_flux2(const Context& context, const ModelPlan& plan, NumberFormat format) {
  const Plan& own = plan.own_as<Plan>();
  Networks networks;
  networks.prompts = TRY((load_flux2_prompts<Text, Plan>(context, plan, format, networks)));
  networks.mapped_encoders = networks.mapped.size();
  networks.transformer = TRY(load_network(
      context, "transformer", plan.part("transformer"), flux2_names(), format, networks,
      [](std::string_view) { return false; },
      [&](WeightLoader& weights) { return Flux2::load(weights, own.transformer); }));
  networks.transformer_layers = own.transformer.double_blocks + own.transformer.single_blocks;
  networks.vae = std::make_unique<Vae>(TRY(load_network(
      context, "vae", plan.part("vae"), vae_names(), format, networks,
      [](std::string_view name) { return name == "bn.num_batches_tracked"; },
      [&](WeightLoader& weights) { return Vae::load(weights, plan.vae); })));
  return networks;
}

}  // namespace imagined::engine

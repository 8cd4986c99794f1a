#include <fmt/core.h>

#include <algorithm>
#include <charconv>

#include "engine/families/families.h"
#include "engine/families/load_network.h"
#include "engine/models/flux2/flux2.h"
#include "engine/models/flux2/flux2_names.h"
#include "engine/models/qwen3/qwen3.h"
#include "engine/models/qwen3/qwen3_names.h"
#include "engine/models/vae/vae_names.h"

namespace imagined::engine {
namespace {

/// Qwen3's chat template around the prompt, and some of its layers as features (flux.md 5.1).
class KleinPrompts final : public PromptEncoder {
 public:
  KleinPrompts(Tokenizer tokenizer, Qwen3 encoder, PromptLength length)
      : tokenizer_(std::move(tokenizer)), encoder_(std::move(encoder)), length_(length) {}

  PromptIds ids(std::string_view prompt) const override {
    return {.main = tokenizer_.encode_prompt(prompt, length_)};
  }

  Result<TextFeatures> encode(const Context& context, const PromptIds& ids,
                              const std::stop_token& stop) const override {
    TextFeatures features;
    features.tokens = TRY(encoder_.encode(context, ids.main.ids, ids.main.real_count, stop));
    return features;
  }

  std::int32_t pad_id() const override { return tokenizer_.pad_id(); }
  std::int64_t layers() const override { return encoder_.layers(); }
  double flop(const PromptIds& ids) const override {
    return encoder_.flop(static_cast<std::int64_t>(ids.main.ids.size()));
  }

 private:
  Tokenizer tokenizer_;
  Qwen3 encoder_;
  PromptLength length_;
};

/// The layers behind the last tap, the final norm and the language-model head.
bool is_behind_last_tap(std::string_view name, std::int64_t last_tap) {
  if (name == "lm_head.weight" || name == "model.norm.weight") return true;
  constexpr std::string_view kLayers = "model.layers.";
  if (!name.starts_with(kLayers)) return false;
  std::int64_t layer = 0;
  std::from_chars(name.data() + kLayers.size(), name.data() + name.size(), layer);
  return layer >= last_tap;
}

Result<std::unique_ptr<const PromptEncoder>> load_prompts(const Context& context,
                                                          const ModelFolder& model,
                                                          NumberFormat format, Networks& sums) {
  Tokenizer tokenizer = TRY(Tokenizer::load(model.tokenizer));
  if (tokenizer.vocab_size() > model.qwen3.vocab_size) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("tokenizer: {} tokens for a text encoder with {}",
                            tokenizer.vocab_size(), model.qwen3.vocab_size));
  }
  const std::vector<std::int64_t>& taps = model.text.taps;
  const std::int64_t last_tap = taps.empty() ? 0 : *std::max_element(taps.begin(), taps.end());
  Qwen3 encoder = TRY(load_network(
      context, "text encoder", model.text_encoder, qwen3_names(), format, sums,
      [&](std::string_view name) { return is_behind_last_tap(name, last_tap); },
      [&](WeightLoader& weights) { return Qwen3::load(weights, model.qwen3, taps); }));
  return std::make_unique<KleinPrompts>(
      std::move(tokenizer), std::move(encoder),
      PromptLength{.max_tokens = model.text.max_tokens, .pad = model.text.pad});
}

}  // namespace

Result<Networks> load_flux2_klein(const Context& context, const ModelFolder& model,
                                  NumberFormat format) {
  Networks networks;
  networks.prompts = TRY(load_prompts(context, model, format, networks));
  networks.transformer = TRY(load_network(
      context, "transformer", model.transformer, flux2_names(), format, networks,
      [](std::string_view) { return false; },
      [&](WeightLoader& weights) { return Flux2::load(weights, model.flux2); }));
  networks.vae = TRY(load_network(
      context, "vae", model.vae, vae_names(), format, networks,
      [](std::string_view name) { return name == "bn.num_batches_tracked"; },
      [&](WeightLoader& weights) { return Vae::load(weights, model.vae_config); }));
  return networks;
}

}  // namespace imagined::engine

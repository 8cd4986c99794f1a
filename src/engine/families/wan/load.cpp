#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "engine/families/gguf_tokenizer.h"
#include "engine/families/load_network.h"
#include "engine/families/wan/plan.h"
#include "engine/models/t5/t5.h"
#include "engine/models/t5/t5_names.h"
#include "engine/models/wan/wan.h"
#include "engine/models/wan/wan_names.h"
#include "engine/models/wan_vae/wan_vae.h"
#include "engine/models/wan_vae/wan_vae_names.h"
#include "engine/ops/convert/convert.h"
#include "engine/tokenizers/t5_tokenizer.h"

namespace imagined::engine {
namespace {

/// Runs of white space become one space, and those at the ends nothing.
/// Source: diffusers, `prompt_clean` of the Wan pipelines, without its repairs of broken text.
std::string cleaned(std::string_view prompt) {
  std::string text;
  for (const char c : prompt) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    if (!space)
      text += c;
    else if (!text.empty() && text.back() != ' ')
      text += ' ';
  }
  if (text.ends_with(' ')) text.pop_back();
  return text;
}

/// UMT5's features of the prompt, and rows of zeros behind them up to the length that the
/// transformer was trained with.
class WanPrompts final : public PromptEncoder {
 public:
  WanPrompts(T5Tokenizer tokenizer, T5 encoder, PromptLength length)
      : tokenizer_(std::move(tokenizer)), encoder_(std::move(encoder)), length_(length) {}

  PromptIds ids(std::string_view prompt) const override {
    return {.main = tokenizer_.encode_prompt(cleaned(prompt), length_), .pooled = {}};
  }

  std::vector<PromptReading> reading(std::string_view prompt) const override {
    const auto tokens =
        static_cast<std::int64_t>(tokenizer_.encode(cleaned(prompt)).size()) + 1;  // and its end
    return {{"the text encoder", tokens, std::min(tokens, length_.max_tokens)}};
  }

  Result<TextFeatures> encode(const Context& context, const PromptIds& ids,
                              const std::stop_token& stop) const override {
    const std::span<const std::int32_t> all = ids.main.ids;
    const std::int64_t real = ids.main.real_count;
    const Tensor features =
        TRY(encoder_.encode(context, all.first(static_cast<std::size_t>(real)), stop));
    TextFeatures padded;
    padded.tokens = Tensor::zeros(std::ssize(all), features.cols());
    convert(context, features, padded.tokens.view().row_range(0, real));
    return padded;
  }

  double flop(const PromptIds& ids) const override { return encoder_.flop(ids.main.real_count); }

  WorkCost cost() const override {
    return {.flop = encoder_.flop(length_.max_tokens),
            .bytes = encoder_.working_bytes(length_.max_tokens)};
  }

 private:
  T5Tokenizer tokenizer_;
  T5 encoder_;
  PromptLength length_;
};

bool is_needed(std::string_view) { return false; }

Result<std::unique_ptr<const PromptEncoder>> load_prompts(const Context& context,
                                                          const ModelPlan& plan,
                                                          NumberFormat format, Networks& sums) {
  const auto& own = plan.own_as<WanPlan>();
  T5Tokenizer tokenizer = TRY(load_t5_tokenizer(plan.part("tokenizer").path));
  if (tokenizer.vocab_size() > own.text_encoder.vocab_size)
    return fail(ErrorCode::invalid_argument,
                fmt::format("tokenizer: {} tokens for a text encoder with {}",
                            tokenizer.vocab_size(), own.text_encoder.vocab_size));
  T5 encoder = TRY(load_network(
      context, "text encoder", plan.part("text_encoder"), t5_names(), format, sums, is_needed,
      [&](WeightLoader& weights) { return T5::load(weights, own.text_encoder); }));
  sums.text_layers = encoder.layers();
  return std::make_unique<WanPrompts>(
      std::move(tokenizer), std::move(encoder),
      PromptLength{.max_tokens = plan.text.max_tokens, .pad = plan.text.pad});
}

}  // namespace

Result<Networks> load_wan(const Context& context, const ModelPlan& plan, NumberFormat format) {
  const auto& own = plan.own_as<WanPlan>();
  Networks networks;
  networks.prompts = TRY(load_prompts(context, plan, format, networks));
  networks.mapped_encoders = networks.mapped.size();
  networks.transformer = TRY(load_network(
      context, "transformer", plan.part("transformer"), wan_names(), format, networks, is_needed,
      [&](WeightLoader& weights) { return Wan::load(weights, own.transformer); }));
  networks.transformer_layers = own.transformer.layers;
  networks.vae = TRY(load_network(
      context, "vae", plan.part("vae"), wan_vae_names(), format, networks,
      // Of the encoder, which sees first frames alone.
      [](std::string_view name) {
        return name.starts_with("encoder.") && name.find(".time_conv.") != std::string_view::npos;
      },
      [&](WeightLoader& weights) { return WanVae::load(weights, own.vae); }));
  return networks;
}

Result<std::vector<std::int32_t>> wan_tokens(const std::filesystem::path& tokenizer,
                                             std::string_view prompt) {
  const T5Tokenizer loaded = TRY(load_t5_tokenizer(tokenizer));
  std::vector<std::int32_t> ids = loaded.encode(cleaned(prompt));
  ids.push_back(loaded.eos_id());
  return ids;
}

}  // namespace imagined::engine

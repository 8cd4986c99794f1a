#include <algorithm>

#include "engine/families/flux2_dev/plan.h"
#include "engine/families/gguf_tokenizer.h"
#include "engine/families/load_flux2.h"
#include "engine/models/qwen3/qwen3_names.h"
#include "engine/tokenizers/mistral_tokenizer.h"

namespace imagined::engine {
namespace {

/// Mistral's (flux.md 5.4): padding stands before the prompt, and all of it is one row.
struct MistralText {
  using Tokenizer = MistralTokenizer;
  static auto load_tokenizer(const std::filesystem::path& path) {
    return load_mistral_tokenizer(path);
  }
  static const NameTable& names() { return mistral_names(); }
  static Result<Tensor> encode(const Qwen3& encoder, const Context& context,
                               const PromptEncoding& tokens, const std::stop_token& stop) {
    const std::int64_t padding = std::ssize(tokens.ids) - tokens.real_count;
    return encoder.encode_right(context, tokens.ids, padding, stop);
  }
  static std::int64_t rows(const PromptEncoding& tokens) {
    return std::min(tokens.real_count + 1, static_cast<std::int64_t>(tokens.ids.size()));
  }
};

}  // namespace

Result<Networks> load_flux2_dev(const Context& context, const ModelPlan& plan,
                                NumberFormat format) {
  return load_flux2<MistralText, Flux2DevPlan>(context, plan, format);
}

Result<std::vector<std::int32_t>> flux2_dev_tokens(const std::filesystem::path& tokenizer,
                                                   std::string_view prompt) {
  const MistralTokenizer loaded = TRY(load_mistral_tokenizer(tokenizer));
  return loaded.encode_prompt(prompt);
}

}  // namespace imagined::engine

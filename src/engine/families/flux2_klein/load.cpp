#include "engine/families/flux2_klein/plan.h"
#include "engine/families/gguf_tokenizer.h"
#include "engine/families/load_flux2.h"
#include "engine/models/qwen3/qwen3_names.h"
#include "engine/tokenizers/qwen_tokenizer.h"

namespace imagined::engine {
namespace {

/// Qwen3's (flux.md 5.1): padding stands behind the prompt, and is computed.
struct QwenText {
  using Tokenizer = QwenTokenizer;
  static auto load_tokenizer(const std::filesystem::path& path) {
    return load_qwen_tokenizer(path);
  }
  static const NameTable& names() { return qwen3_names(); }
  static Result<Tensor> encode(const Qwen3& encoder, const Context& context,
                               const PromptEncoding& tokens, const std::stop_token& stop) {
    return encoder.encode(context, tokens.ids, tokens.real_count, stop);
  }
  static std::int64_t rows(const PromptEncoding& tokens) {
    return static_cast<std::int64_t>(tokens.ids.size());
  }
};

}  // namespace

Result<Networks> load_flux2_klein(const Context& context, const ModelPlan& plan,
                                  NumberFormat format) {
  return load_flux2<QwenText, KleinPlan>(context, plan, format);
}

Result<std::vector<std::int32_t>> flux2_klein_tokens(const std::filesystem::path& tokenizer,
                                                     std::string_view prompt) {
  const QwenTokenizer loaded = TRY(load_qwen_tokenizer(tokenizer));
  return loaded.encode_prompt(prompt);
}

}  // namespace imagined::engine

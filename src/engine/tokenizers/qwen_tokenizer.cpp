#include "engine/tokenizers/qwen_tokenizer.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>

#include "base/utf8.h"
#include "engine/tokenizers/bpe_files.h"
#include "engine/tokenizers/json_file.h"
#include "engine/tokenizers/pre_tokenizer.h"
#include "engine/tokenizers/unicode.h"

namespace imagined::engine {
namespace {

/// The folder's own template must put around a prompt what encode_prompt does. It is a program,
/// which nobody runs here; but what it writes stands in it, and of the templates in use only
/// Qwen3's have all of these.
Result<> check_chat_template(std::string_view text) {
  if (text.empty()) return {};
  for (const std::string_view piece :
       {"<|im_start|>", "<|im_end|>", "enable_thinking", R"(<think>\n\n</think>\n\n)"}) {
    if (text.find(piece) == std::string_view::npos)
      return refuse("chat template", "chat_template",
                    fmt::format("has no {}: not Qwen3's, the only one that is supported",
                                nlohmann::json(piece).dump()),
                    ErrorCode::unimplemented);
  }
  for (const std::string_view role_end : {R"(role + '\n')", R"(role + "\n")", R"(role ~ '\n')"})
    if (text.find(role_end) != std::string_view::npos) return {};
  return refuse("chat template", "chat_template",
                "does not end the role's line as Qwen3's does, the only one that is supported",
                ErrorCode::unimplemented);
}

}  // namespace

struct QwenTokenizer::State {
  Bpe bpe;
  AddedTokenLists added;
  std::unordered_map<std::string, std::int32_t> added_ids;
  std::int32_t pad_id = 0;
  std::int64_t vocab_size = 0;

  static Result<std::unique_ptr<const State>> make(TokenizerParts parts);
};

Result<std::unique_ptr<const QwenTokenizer::State>> QwenTokenizer::State::make(
    TokenizerParts parts) {
  TRY(check_chat_template(parts.chat_template));
  auto state = std::make_unique<State>();
  state->bpe = std::move(parts.bpe);
  for (const auto& [token, id] : state->bpe.tokens())
    state->vocab_size = std::max<std::int64_t>(state->vocab_size, id + 1);
  for (AddedToken& token : parts.added) {
    state->vocab_size = std::max<std::int64_t>(state->vocab_size, token.id + 1);
    state->added_ids.emplace(token.content, token.id);
    state->added.add(std::move(token), nfc);
  }
  const auto added = state->added_ids.find(parts.pad_token);
  const auto plain = state->bpe.tokens().find(parts.pad_token);
  if (added != state->added_ids.end())
    state->pad_id = added->second;
  else if (plain != state->bpe.tokens().end())
    state->pad_id = plain->second;
  else
    return fail(ErrorCode::invalid_argument,
                fmt::format("tokenizer_config.json: \"pad_token\": the vocabulary has no \"{}\"",
                            valid_utf8(parts.pad_token)));
  return state;
}

QwenTokenizer::QwenTokenizer(std::unique_ptr<const State> state) : state_(std::move(state)) {}
QwenTokenizer::QwenTokenizer(QwenTokenizer&&) noexcept = default;
QwenTokenizer& QwenTokenizer::operator=(QwenTokenizer&&) noexcept = default;
QwenTokenizer::~QwenTokenizer() = default;

Result<QwenTokenizer> QwenTokenizer::load(const std::filesystem::path& folder) {
  TokenizerParts parts = TRY(load_tokenizer_parts(folder, BpeKind::qwen2));
  return QwenTokenizer(TRY(State::make(std::move(parts))));
}

Result<QwenTokenizer> QwenTokenizer::parse(std::string_view tokenizer_json,
                                           std::string_view tokenizer_config) {
  TokenizerParts parts = TRY(parse_tokenizer_json(tokenizer_json, BpeKind::qwen2));
  if (!tokenizer_config.empty()) TRY(apply_tokenizer_config(tokenizer_config, parts));
  return QwenTokenizer(TRY(State::make(std::move(parts))));
}

std::vector<std::int32_t> QwenTokenizer::encode(std::string_view text) const {
  return state_->added.encode(
      valid_utf8(text), nfc,
      [&](std::string_view piece, bool /*at_start*/, std::vector<std::int32_t>& ids) {
        for (const std::string_view word : split_words(piece)) state_->bpe.encode(word, ids);
      });
}

std::vector<std::int32_t> QwenTokenizer::encode_prompt(std::string_view prompt) const {
  // Qwen3's template with one user message, a generation prompt, and thinking switched off.
  return encode(fmt::format(
      "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n", prompt));
}

PromptEncoding QwenTokenizer::encode_prompt(std::string_view prompt,
                                            const PromptLength& length) const {
  PromptEncoding encoding;
  encoding.ids = encode_prompt(prompt);
  const auto limit = static_cast<std::size_t>(length.max_tokens);
  if (encoding.ids.size() > limit) encoding.ids.resize(limit);
  encoding.real_count = static_cast<std::int64_t>(encoding.ids.size());
  if (length.pad) encoding.ids.resize(limit, state_->pad_id);
  return encoding;
}

std::int32_t QwenTokenizer::pad_id() const { return state_->pad_id; }
std::int64_t QwenTokenizer::vocab_size() const { return state_->vocab_size; }

std::optional<std::int32_t> QwenTokenizer::id_of(std::string_view token) const {
  const std::string key(token);
  if (const auto added = state_->added_ids.find(key); added != state_->added_ids.end())
    return added->second;
  if (const auto plain = state_->bpe.tokens().find(key); plain != state_->bpe.tokens().end())
    return plain->second;
  return std::nullopt;
}

}  // namespace imagined::engine

#include "engine/tokenizers/qwen_tokenizer.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/utf8.h"
#include "engine/tokenizers/bpe_files.h"
#include "engine/tokenizers/chat_template.h"
#include "engine/tokenizers/listed_vocabulary.h"
#include "engine/tokenizers/pre_tokenizer.h"
#include "engine/tokenizers/unicode.h"

namespace imagined::engine {

struct QwenTokenizer::State {
  PromptFrame frame;
  Bpe bpe;
  AddedTokenLists added;
  std::unordered_map<std::string, std::int32_t> added_ids;
  std::int32_t pad_id = 0;
  std::int64_t vocab_size = 0;

  static Result<std::unique_ptr<const State>> make(TokenizerParts parts, PromptFrame frame);
};

Result<std::unique_ptr<const QwenTokenizer::State>> QwenTokenizer::State::make(TokenizerParts parts,
                                                                               PromptFrame frame) {
  TRY(check_sides(parts.sides));
  auto state = std::make_unique<State>();
  state->frame = std::move(frame);
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
  PromptFrame frame = TRY(load_prompt_frame(folder));
  QwenTokenizer tokenizer(TRY(State::make(std::move(parts), std::move(frame))));
  TRY(tokenizer.check_marks());
  return tokenizer;
}

/// Where a mark such as <|im_start|> is no token, it is read as its letters, which the text encoder
/// never saw: added tokens were left out of the folder.
Result<> QwenTokenizer::check_marks() const {
  for (std::string_view text :
       {std::string_view(state_->frame.before), std::string_view(state_->frame.after)}) {
    for (std::size_t at = 0; (at = text.find("<|")) != std::string_view::npos;) {
      text.remove_prefix(at);
      const std::string_view mark = text.substr(0, text.find("|>") + 2);
      if (text.find("|>") == std::string_view::npos) break;
      text.remove_prefix(mark.size());
      if (!id_of(mark))
        return fail(
            ErrorCode::invalid_argument,
            fmt::format("the tokenizer has no token {}, which the chat template writes", mark));
    }
  }
  return {};
}

Result<QwenTokenizer> QwenTokenizer::parse(std::string_view tokenizer_json,
                                           std::string_view tokenizer_config) {
  TokenizerParts parts = TRY(parse_tokenizer_json(tokenizer_json, BpeKind::qwen2));
  if (!tokenizer_config.empty()) TRY(apply_tokenizer_config(tokenizer_config, parts));
  PromptFrame frame = TRY(read_prompt_frame(
      {.config = std::string(tokenizer_config), .jinja = std::nullopt, .json = std::nullopt}));
  return QwenTokenizer(TRY(State::make(std::move(parts), std::move(frame))));
}

Result<QwenTokenizer> QwenTokenizer::from(const ListedVocabulary& vocabulary) {
  TokenizerParts parts = TRY(listed_bpe(vocabulary));
  PromptFrame frame = TRY(
      read_prompt_frame({.config = {}, .jinja = vocabulary.chat_template, .json = std::nullopt}));
  QwenTokenizer tokenizer(TRY(State::make(std::move(parts), std::move(frame))));
  TRY(tokenizer.check_marks());
  return tokenizer;
}

std::vector<std::int32_t> QwenTokenizer::encode(std::string_view text) const {
  return state_->added.encode(
      valid_utf8(text), nfc,
      [&](std::string_view piece, bool /*at_start*/, std::vector<std::int32_t>& ids) {
        for (const std::string_view word : split_words(piece)) state_->bpe.encode(word, ids);
      });
}

std::vector<std::int32_t> QwenTokenizer::encode_prompt(std::string_view prompt) const {
  return encode(fmt::format("{}{}{}", state_->frame.before, prompt, state_->frame.after));
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

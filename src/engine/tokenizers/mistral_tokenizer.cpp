#include "engine/tokenizers/mistral_tokenizer.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/utf8.h"
#include "engine/tokenizers/bpe_files.h"
#include "engine/tokenizers/chat_template.h"
#include "engine/tokenizers/listed_vocabulary.h"
#include "engine/tokenizers/pre_tokenizer.h"

namespace imagined::engine {

struct MistralTokenizer::State {
  PromptFrame frame;
  Bpe bpe;
  AddedTokenLists added;
  std::int32_t pad_id = 0;
  std::int64_t vocab_size = 0;
};

MistralTokenizer::MistralTokenizer(std::unique_ptr<const State> state) : state_(std::move(state)) {}
MistralTokenizer::MistralTokenizer(MistralTokenizer&&) noexcept = default;
MistralTokenizer& MistralTokenizer::operator=(MistralTokenizer&&) noexcept = default;
MistralTokenizer::~MistralTokenizer() = default;

namespace {

std::string as_it_is(std::string_view text) { return std::string(text); }

/// The prompt is filled up on its left, as the published files say; a file that says nothing is
/// believed to mean it.
Result<> check_left(const Sides& sides) {
  if (!sides.padding.side.empty() && sides.padding.side != "left")
    return refuse(
        sides.padding.file, sides.padding.key,
        fmt::format("\"{}\" is not supported, only \"left\"", valid_utf8(sides.padding.side)),
        ErrorCode::unimplemented);
  if (!sides.truncation.side.empty() && sides.truncation.side != "right")
    return refuse(
        sides.truncation.file, sides.truncation.key,
        fmt::format("\"{}\" is not supported, only \"right\"", valid_utf8(sides.truncation.side)),
        ErrorCode::unimplemented);
  return {};
}

}  // namespace

Result<MistralTokenizer> MistralTokenizer::load(const std::filesystem::path& folder) {
  TokenizerParts parts = TRY(load_tokenizer_parts(folder, BpeKind::tekken));
  TRY(check_left(parts.sides));
  PromptFrame frame = TRY(load_flux2_dev_frame(folder));
  return make(std::move(parts), std::move(frame));
}

Result<MistralTokenizer> MistralTokenizer::from(const ListedVocabulary& vocabulary) {
  TokenizerParts parts = TRY(listed_bpe(vocabulary));
  PromptFrame frame = TRY(read_flux2_dev_frame(
      {.config = {}, .jinja = vocabulary.chat_template, .json = std::nullopt}));
  return make(std::move(parts), std::move(frame));
}

Result<MistralTokenizer> MistralTokenizer::make(TokenizerParts parts, PromptFrame frame) {
  auto state = std::make_unique<State>();
  state->frame = std::move(frame);
  std::unordered_map<std::string, std::int32_t> marks;
  for (AddedToken& token : parts.added) {
    state->vocab_size = std::max<std::int64_t>(state->vocab_size, token.id + 1);
    marks.emplace(token.content, token.id);
    state->added.add(std::move(token), as_it_is);
  }
  for (const auto& [token, id] : parts.bpe.tokens())
    state->vocab_size = std::max<std::int64_t>(state->vocab_size, id + 1);
  for (const char* mark : {"<s>", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[INST]", "[/INST]"})
    if (!marks.contains(mark))
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("the tokenizer has no token {}, which the chat template writes", mark));
  const auto pad = marks.find(parts.pad_token);
  if (pad == marks.end())
    return fail(ErrorCode::invalid_argument,
                fmt::format("tokenizer_config.json: \"pad_token\": the vocabulary has no \"{}\"",
                            valid_utf8(parts.pad_token)));
  state->pad_id = pad->second;
  state->bpe = std::move(parts.bpe);
  return MistralTokenizer(std::move(state));
}

std::vector<std::int32_t> MistralTokenizer::encode(std::string_view text) const {
  return state_->added.encode(
      valid_utf8(text), as_it_is,
      [&](std::string_view piece, bool /*at_start*/, std::vector<std::int32_t>& ids) {
        for (const std::string_view word : split_tekken_words(piece)) state_->bpe.encode(word, ids);
      });
}

std::vector<std::int32_t> MistralTokenizer::encode_prompt(std::string_view prompt) const {
  constexpr std::string_view kPicture = "[IMG]";
  std::string text = state_->frame.before;
  for (std::size_t at = 0; at <= prompt.size();) {
    const std::size_t end = std::min(prompt.find(kPicture, at), prompt.size());
    text += prompt.substr(at, end - at);
    at = end == prompt.size() ? end + 1 : end + kPicture.size();
  }
  return encode(text + state_->frame.after);
}

PromptEncoding MistralTokenizer::encode_prompt(std::string_view prompt,
                                               const PromptLength& length) const {
  PromptEncoding encoding;
  encoding.ids = encode_prompt(prompt);
  const auto limit = static_cast<std::size_t>(length.max_tokens);
  if (encoding.ids.size() > limit) encoding.ids.resize(limit);
  encoding.real_count = static_cast<std::int64_t>(encoding.ids.size());
  if (length.pad)
    encoding.ids.insert(encoding.ids.begin(), limit - encoding.ids.size(), state_->pad_id);
  return encoding;
}

std::int64_t MistralTokenizer::vocab_size() const { return state_->vocab_size; }

}  // namespace imagined::engine

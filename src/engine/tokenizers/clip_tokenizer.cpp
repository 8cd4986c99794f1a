#include "engine/tokenizers/clip_tokenizer.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/check.h"
#include "base/utf8.h"
#include "engine/tokenizers/bpe_files.h"
#include "engine/tokenizers/pre_tokenizer.h"
#include "engine/tokenizers/unicode.h"

namespace imagined::engine {
namespace {

/// NFC, each run of white space as one space, lower case.
std::string normalize(std::string_view text) {
  std::string collapsed;
  collapsed.reserve(text.size());
  bool in_space = false;
  const std::string composed = nfc(text);
  for (std::string_view rest = composed; !rest.empty();) {
    const CodePoint next = first_code_point(rest);
    const bool space = class_of(next.value) == CharClass::space;
    if (!space) collapsed += rest.substr(0, next.size_bytes);
    if (space && !in_space) collapsed += ' ';
    in_space = space;
    rest.remove_prefix(next.size_bytes);
  }
  return lower_case(collapsed);
}

}  // namespace

struct ClipTokenizer::State {
  Bpe bpe;
  AddedTokenLists added;
  std::int32_t bos_id = 0;
  std::int32_t eos_id = 0;
  std::int32_t pad_id = 0;
  std::int64_t vocab_size = 0;

  static Result<std::unique_ptr<const State>> make(TokenizerParts parts);
};

namespace {

/// Ids by text, those of added tokens first.
class SpecialIds {
 public:
  explicit SpecialIds(const TokenizerParts& parts) : plain_(parts.bpe.tokens()) {
    for (const AddedToken& token : parts.added) added_.emplace(token.content, token.id);
  }
  Result<std::int32_t> find(std::string_view key, const std::string& token) const {
    if (const auto added = added_.find(token); added != added_.end()) return added->second;
    if (const auto plain = plain_.find(token); plain != plain_.end()) return plain->second;
    return refuse(kTokenizerConfigFile, key,
                  fmt::format("the vocabulary has no \"{}\"", valid_utf8(token)));
  }
  bool is_added(const std::string& token) const { return added_.contains(token); }

 private:
  std::unordered_map<std::string, std::int32_t> added_;
  const std::unordered_map<std::string, std::int32_t>& plain_;
};

/// tokenizer.json may say what stands around a text; it must be what the special tokens say.
Result<> check_frame(const Frame& frame, std::int32_t bos_id, std::int32_t eos_id) {
  if (frame.before.empty() && frame.after.empty()) return {};
  if (frame.before == std::vector{bos_id} && frame.after == std::vector{eos_id}) return {};
  return refuse(kTokenizerFile, "post_processor",
                fmt::format("expected token {} before and {} behind a text", bos_id, eos_id));
}

}  // namespace

Result<std::unique_ptr<const ClipTokenizer::State>> ClipTokenizer::State::make(
    TokenizerParts parts) {
  TRY(check_sides(parts.sides));
  auto state = std::make_unique<State>();
  const SpecialIds ids(parts);
  state->bos_id = TRY(ids.find("bos_token", parts.bos_token));
  state->eos_id = TRY(ids.find("eos_token", parts.eos_token));
  state->pad_id = TRY(ids.find("pad_token", parts.pad_token));
  parts.bpe.unknown_token(TRY(ids.find("unk_token", parts.unk_token)));
  TRY(check_frame(parts.frame, state->bos_id, state->eos_id));
  // The older pair of files names no added tokens; the two marks always are.
  if (!ids.is_added(parts.bos_token))
    parts.added.push_back({.content = parts.bos_token, .id = state->bos_id});
  if (!ids.is_added(parts.eos_token) && parts.eos_token != parts.bos_token)
    parts.added.push_back({.content = parts.eos_token, .id = state->eos_id});
  for (const auto& [token, id] : parts.bpe.tokens())
    state->vocab_size = std::max<std::int64_t>(state->vocab_size, id + 1);
  for (AddedToken& token : parts.added) {
    state->vocab_size = std::max<std::int64_t>(state->vocab_size, token.id + 1);
    state->added.add(std::move(token), normalize);
  }
  state->bpe = std::move(parts.bpe);
  return state;
}

ClipTokenizer::ClipTokenizer(std::unique_ptr<const State> state) : state_(std::move(state)) {}
ClipTokenizer::ClipTokenizer(ClipTokenizer&&) noexcept = default;
ClipTokenizer& ClipTokenizer::operator=(ClipTokenizer&&) noexcept = default;
ClipTokenizer::~ClipTokenizer() = default;

Result<ClipTokenizer> ClipTokenizer::load(const std::filesystem::path& folder) {
  TokenizerParts parts = TRY(load_tokenizer_parts(folder, BpeKind::clip));
  return ClipTokenizer(TRY(State::make(std::move(parts))));
}

Result<ClipTokenizer> ClipTokenizer::parse(std::string_view tokenizer_json,
                                           std::string_view tokenizer_config) {
  TokenizerParts parts = TRY(parse_tokenizer_json(tokenizer_json, BpeKind::clip));
  if (!tokenizer_config.empty()) TRY(apply_tokenizer_config(tokenizer_config, parts));
  return ClipTokenizer(TRY(State::make(std::move(parts))));
}

std::vector<std::int32_t> ClipTokenizer::encode(std::string_view text) const {
  return state_->added.encode(
      valid_utf8(text), normalize,
      [&](std::string_view piece, bool /*at_start*/, std::vector<std::int32_t>& ids) {
        for (const std::string_view word : split_clip_words(piece)) state_->bpe.encode(word, ids);
      });
}

PromptEncoding ClipTokenizer::encode_prompt(std::string_view prompt,
                                            const PromptLength& length) const {
  CHECK(length.max_tokens >= 2, "{} tokens hold no beginning and end", length.max_tokens);
  const auto limit = static_cast<std::size_t>(length.max_tokens);
  const std::vector<std::int32_t> text_ids = encode(prompt);
  const auto count = static_cast<std::ptrdiff_t>(std::min(text_ids.size(), limit - 2));
  PromptEncoding encoding;
  encoding.ids.push_back(state_->bos_id);
  encoding.ids.insert(encoding.ids.end(), text_ids.begin(), text_ids.begin() + count);
  encoding.ids.push_back(state_->eos_id);
  encoding.real_count = static_cast<std::int64_t>(encoding.ids.size());
  if (length.pad) encoding.ids.resize(limit, state_->pad_id);
  return encoding;
}

std::int32_t ClipTokenizer::bos_id() const { return state_->bos_id; }
std::int32_t ClipTokenizer::eos_id() const { return state_->eos_id; }
std::int64_t ClipTokenizer::vocab_size() const { return state_->vocab_size; }

}  // namespace imagined::engine

#include "engine/tokenizers/listed_vocabulary.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace imagined::engine {
namespace {

// ggml's types of tokens. Source: ggml, gguf-py, `TokenType`.
constexpr std::int64_t kNormal = 1;
constexpr std::int64_t kUnknown = 2;
constexpr std::int64_t kControl = 3;
constexpr std::int64_t kUserDefined = 4;
constexpr std::int64_t kUnused = 5;  // fills the embedding up

constexpr std::string_view kTekken = "tekken";

tl::unexpected<Error> refuse_listed(std::string_view key, std::string_view what,
                                    ErrorCode code = ErrorCode::invalid_argument) {
  return fail(code, fmt::format("tokenizer.ggml.{}: {}", key, what));
}

Result<> check_lists(const ListedVocabulary& vocabulary) {
  const std::size_t count = vocabulary.tokens.size();
  if (count == 0 || count > kMaxTokens)
    return refuse_listed("tokens", fmt::format("{} tokens, 1 to {} allowed", count, kMaxTokens));
  if (vocabulary.types.size() != count)
    return refuse_listed("token_type",
                         fmt::format("{} types of {} tokens", vocabulary.types.size(), count));
  for (const std::string& token : vocabulary.tokens)
    if (!is_utf8(token)) return refuse_listed("tokens", "one of them is not UTF-8");
  return {};
}

/// The text of a token that has a part of its own to play; stays where none is named.
Result<> take_named(const ListedVocabulary& vocabulary, std::string_view key,
                    const std::optional<std::int64_t>& id, std::string& token) {
  if (!id) return {};
  if (*id < 0 || std::cmp_greater_equal(*id, vocabulary.tokens.size()))
    return refuse_listed(key, fmt::format("{} of {} tokens", *id, vocabulary.tokens.size()));
  token = vocabulary.tokens[static_cast<std::size_t>(*id)];
  return {};
}

tl::unexpected<Error> of_type(std::size_t id, std::int64_t type) {
  return refuse_listed("token_type", fmt::format("token {} of type {} is not supported", id, type),
                       ErrorCode::unimplemented);
}

Result<> take_merges(const ListedVocabulary& vocabulary, Bpe& bpe) {
  if (vocabulary.merges.size() > kMaxTokens)
    return refuse_listed("merges",
                         fmt::format("{} rules, {} allowed", vocabulary.merges.size(), kMaxTokens));
  for (std::size_t rule = 0; rule < vocabulary.merges.size(); ++rule) {
    const std::string_view text = vocabulary.merges[rule];
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos ||
        bpe.add_merge(text.substr(0, space), text.substr(space + 1)) != Bpe::MergeError::none)
      return refuse_listed("merges",
                           fmt::format("rule {} is not two tokens that make a third", rule));
  }
  return {};
}

}  // namespace

std::optional<TokenizerKind> kind_of(const ListedVocabulary& vocabulary) {
  if (vocabulary.model == "gpt2" && vocabulary.pre == "qwen2") return TokenizerKind::qwen;
  if (vocabulary.model == "gpt2" && vocabulary.pre == kTekken) return TokenizerKind::mistral;
  if (vocabulary.model == "t5") return TokenizerKind::t5;
  return std::nullopt;
}

Result<TokenizerParts> listed_bpe(const ListedVocabulary& vocabulary) {
  TRY(check_lists(vocabulary));
  TokenizerParts parts;
  parts.bpe.reserve(vocabulary.tokens.size(), vocabulary.merges.size());
  for (std::size_t id = 0; id < vocabulary.tokens.size(); ++id) {
    const std::int64_t type = vocabulary.types[id];
    const std::string& token = vocabulary.tokens[id];
    if (type == kNormal)
      parts.bpe.add_token(token, static_cast<std::int32_t>(id));
    else if (type == kControl || type == kUserDefined)
      parts.added.push_back({.content = token, .id = static_cast<std::int32_t>(id)});
    else if (type != kUnused)
      return of_type(id, type);
  }
  TRY(take_merges(vocabulary, parts.bpe));
  // As llama.cpp does; no key says so.
  parts.bpe.ignore_merges(vocabulary.pre == kTekken);
  parts.bpe.finish();
  if (vocabulary.pre == kTekken) parts.pad_token = "<pad>";
  TRY(take_named(vocabulary, "padding_token_id", vocabulary.padding_id, parts.pad_token));
  TRY(take_named(vocabulary, "eos_token_id", vocabulary.eos_id, parts.eos_token));
  return parts;
}

Result<T5Parts> listed_unigrams(const ListedVocabulary& vocabulary) {
  TRY(check_lists(vocabulary));
  if (vocabulary.scores.size() != vocabulary.tokens.size())
    return refuse_listed("scores", fmt::format("{} scores of {} tokens", vocabulary.scores.size(),
                                               vocabulary.tokens.size()));
  T5Parts parts{.file = "GGUF", .pieces_key = "tokenizer.ggml.tokens", .unknown_id = -1};
  std::size_t end = vocabulary.tokens.size();  // of the pieces
  while (end > 0 && vocabulary.types[end - 1] == kUnused) --end;
  // Files whose converter had no added_tokens.json do not list <extra_id_0> and its like.
  const auto left = static_cast<std::int64_t>(vocabulary.tokens.size() - end);
  parts.extra_count = std::min(parts.extra_count, left);
  for (std::size_t id = 0; id < end; ++id) {
    const std::int64_t type = vocabulary.types[id];
    const auto number = static_cast<std::int32_t>(id);
    if (type == kUnknown) parts.unknown_id = number;
    if (type == kUserDefined) parts.extra_count = 0;
    if (type == kUnknown || type == kControl || type == kUserDefined)
      parts.added.push_back({.content = vocabulary.tokens[id], .id = number});
    else if (type != kNormal)
      return of_type(id, type);
    // What no text is cut into has made-up scores.
    parts.pieces.push_back({vocabulary.tokens[id], type == kNormal ? vocabulary.scores[id] : 0});
  }
  if (parts.unknown_id < 0) return refuse_listed("token_type", "no token is the unknown one");
  if (!vocabulary.add_space_prefix) parts.prepend = PrependScheme::never;
  if (!vocabulary.charsmap.empty()) {
    Result<Charsmap> map = Charsmap::parse(vocabulary.charsmap);
    if (!map) return refuse_listed("precompiled_charsmap", map.error().message, map.error().code);
    parts.charsmap = std::move(*map);
    parts.steps.push_back({.kind = NormalizerStep::Kind::charsmap});
  }
  if (vocabulary.remove_extra_whitespaces) {
    parts.steps.push_back(
        {.kind = NormalizerStep::Kind::strip_spaces, .left = true, .right = true});
    parts.steps.push_back(
        {.kind = NormalizerStep::Kind::collapse_spaces, .content = std::string(kWordMark)});
  }
  TRY(take_named(vocabulary, "padding_token_id", vocabulary.padding_id, parts.pad_token));
  TRY(take_named(vocabulary, "eos_token_id", vocabulary.eos_id, parts.eos_token));
  return parts;
}

}  // namespace imagined::engine

#include "engine/tokenizers/bpe_files.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/words.h"
#include "engine/tokenizers/pre_tokenizer.h"
#include "engine/tokenizers/text_file.h"

namespace imagined::engine {
namespace {

using nlohmann::json;

Result<> read_vocab(const json& vocab, std::string_view file, std::string_view key, Bpe& bpe) {
  if (!vocab.is_object() || vocab.empty()) return refuse(file, key, "expected an object of tokens");
  if (vocab.size() > kMaxTokens)
    return refuse(file, key, fmt::format("{} tokens, {} allowed", vocab.size(), kMaxTokens));
  for (const auto& [token, id] : vocab.items()) {
    if (!is_token_id(id))
      return refuse(file, key,
                    fmt::format("the id of {} is no whole number from 0 to {}", json(token).dump(),
                                kMaxTokenId - 1));
    bpe.add_token(token, id.get<std::int32_t>());
  }
  return {};
}

Result<> add_merge(std::string_view file, std::size_t index, std::string_view left,
                   std::string_view right, Bpe& bpe) {
  const auto unknown = [&](std::string_view token) {
    // Bytes of a text file may be no UTF-8; the message must be.
    const std::string shown = json(token).dump(-1, ' ', false, json::error_handler_t::replace);
    return refuse(file, "merges",
                  fmt::format("rule {}: {} is not in the vocabulary", index, shown));
  };
  switch (bpe.add_merge(left, right)) {
    case Bpe::MergeError::none:
      return {};
    case Bpe::MergeError::left_unknown:
      return unknown(left);
    case Bpe::MergeError::right_unknown:
      return unknown(right);
    case Bpe::MergeError::result_unknown:
      break;
  }
  return unknown(std::string(left) + std::string(right));
}

/// "a b", the older spelling of a rule.
Result<> add_spaced_merge(std::string_view file, std::size_t index, std::string_view text,
                          Bpe& bpe) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos || space == 0 || space + 1 == text.size() ||
      text.find(' ', space + 1) != std::string_view::npos)
    return refuse(file, "merges", fmt::format("rule {} is not two tokens", index));
  return add_merge(file, index, text.substr(0, space), text.substr(space + 1), bpe);
}

Result<> read_merges(const json& merges, Bpe& bpe) {
  if (!merges.is_array()) return refuse(kTokenizerFile, "model.merges", "expected a list");
  if (merges.size() > kMaxTokens)
    return refuse(kTokenizerFile, "model.merges",
                  fmt::format("{} rules, {} allowed", merges.size(), kMaxTokens));
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const json& rule = merges[i];
    if (rule.is_string()) {
      TRY(add_spaced_merge(kTokenizerFile, i, rule.get_ref<const std::string&>(), bpe));
    } else if (rule.is_array() && rule.size() == 2 && rule[0].is_string() && rule[1].is_string()) {
      TRY(add_merge(kTokenizerFile, i, rule[0].get_ref<const std::string&>(),
                    rule[1].get_ref<const std::string&>(), bpe));
    } else {
      return refuse(kTokenizerFile, "model.merges", fmt::format("rule {} is not two tokens", i));
    }
  }
  return {};
}

constexpr std::string_view kClipSuffix = "</w>";

Result<> read_model(const json& model, BpeKind kind, TokenizerParts& parts) {
  if (!model.is_object()) return refuse(kTokenizerFile, "model", "expected an object");
  if (const std::string type = text_of(member(model, "type")); !type.empty() && type != "BPE")
    return unsupported("model.type", fmt::format("\"{}\"", type));
  if (flag(model, "byte_fallback")) return unsupported("model.byte_fallback", "true");
  if (!member(model, "dropout").is_null() && member(model, "dropout") != 0)
    return unsupported("model.dropout", "dropout");
  const std::string_view suffix = kind == BpeKind::clip ? kClipSuffix : "";
  for (const auto& [key, expected] :
       {std::pair<const char*, std::string_view>("continuing_subword_prefix", ""),
        std::pair<const char*, std::string_view>("end_of_word_suffix", suffix)})
    if (const std::string mark = text_of(member(model, key)); mark != expected)
      return unsupported(fmt::format("model.{}", key), fmt::format("{}", json(mark).dump()));
  if (member(model, "unk_token").is_string()) parts.unk_token = text_of(member(model, "unk_token"));
  const json& vocab = member(model, "vocab");
  const json& merges = member(model, "merges");
  parts.bpe.reserve(vocab.size(), merges.size());
  TRY(read_vocab(vocab, kTokenizerFile, "model.vocab", parts.bpe));
  TRY(read_merges(merges, parts.bpe));
  parts.bpe.ignore_merges(flag(model, "ignore_merges"));
  parts.bpe.finish(suffix);
  return {};
}

Result<> check_normalizer(const json& normalizer, BpeKind kind) {
  if (normalizer.is_null()) return {};
  std::vector<std::string> types;
  for (const json* step : steps_of(normalizer, "normalizers")) {
    types.push_back(type_of(*step));
    if (types.back() != "Replace") continue;
    const json& pattern = member(*step, "pattern");
    if (!pattern.is_object() || text_of(member(pattern, "Regex")) != R"(\s+)" ||
        text_of(member(*step, "content")) != " ")
      return unsupported("normalizer", "this replacement");
  }
  using Types = std::vector<std::string>;
  const Types expected = kind == BpeKind::clip     ? Types{"NFC", "Replace", "Lowercase"}
                         : kind == BpeKind::tekken ? Types{}
                                                   : Types{"NFC"};
  if (types != expected)
    return unsupported("normalizer", fmt::format("\"{}\"", join_words(types, ", ")));
  return {};
}

/// A Split step must cut as the kind's scanner does.
Result<> check_split(const json& step, BpeKind kind) {
  const json& pattern = member(step, "pattern");
  const std::string regex = pattern.is_object() ? text_of(member(pattern, "Regex")) : "";
  const bool known =
      kind == BpeKind::clip
          // Older files lack the pattern's first two words, which are looked for
          // before it anyway.
          ? regex == kClipPattern || regex == kClipPattern.substr(kClipMarks.size())
          : kind == BpeKind::tekken ? regex == kTekkenPattern : regex == kQwen2Pattern;
  const bool removes = text_of(member(step, "behavior")) == "Removed" && flag(step, "invert");
  const bool isolates = text_of(member(step, "behavior")) == "Isolated" && !flag(step, "invert");
  if (!known || !(kind == BpeKind::clip ? removes : isolates))
    return unsupported("pre_tokenizer", "this pattern");
  return {};
}

Result<> check_byte_level(const json& step, BpeKind kind) {
  if (flag(step, "add_prefix_space")) return unsupported("pre_tokenizer", "add_prefix_space");
  // GPT-2's pattern, on by default, changes nothing behind CLIP's.
  const json& use_regex = member(step, "use_regex");
  if (kind != BpeKind::clip && (!use_regex.is_boolean() || use_regex.get<bool>()))
    return unsupported("pre_tokenizer", "ByteLevel with a pattern of its own");
  return {};
}

/// The steps around the model must be the kind's; absent ones are taken as the kind's, as
/// transformers 5 does for these classes of tokenizer.
Result<> check_steps(const json& root, BpeKind kind) {
  TRY(check_normalizer(member(root, "normalizer"), kind));
  for (const json* step : steps_of(member(root, "pre_tokenizer"), "pretokenizers")) {
    const std::string type = type_of(*step);
    if (type == "Split")
      TRY(check_split(*step, kind));
    else if (type == "ByteLevel")
      TRY(check_byte_level(*step, kind));
    else
      return unsupported("pre_tokenizer", fmt::format("\"{}\"", type));
  }
  return {};
}

}  // namespace

Result<TokenizerParts> parse_tokenizer_json(std::string_view text, BpeKind kind) {
  const json root = TRY(parse_object(text, kTokenizerFile));
  TokenizerParts parts;
  TRY(check_steps(root, kind));
  parts.frame = TRY(read_frame(member(root, "post_processor")));
  if (kind == BpeKind::qwen2 && !(parts.frame.before.empty() && parts.frame.after.empty()))
    return unsupported("post_processor", "adding tokens to every text");
  TRY(read_model(member(root, "model"), kind, parts));
  parts.added = TRY(read_added_tokens(member(root, "added_tokens")));
  read_sides(root, parts.sides);
  read_padding_token(root, parts.pad_token);
  return parts;
}

Result<TokenizerParts> parse_vocab_and_merges(std::string_view vocab, std::string_view merges,
                                              BpeKind kind) {
  const json root = TRY(parse_object(vocab, "vocab.json"));
  TokenizerParts parts;
  TRY(read_vocab(root, "vocab.json", "vocab", parts.bpe));
  std::size_t rule = 0;
  for (std::size_t line = 0; !merges.empty(); ++line) {
    const std::size_t end = std::min(merges.find('\n'), merges.size());
    std::string_view text = merges.substr(0, end);
    merges.remove_prefix(std::min(end + 1, merges.size()));
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    if (text.empty() || (line == 0 && text.starts_with("#version"))) continue;
    TRY(add_spaced_merge("merges.txt", rule++, text, parts.bpe));
  }
  parts.bpe.finish(kind == BpeKind::clip ? kClipSuffix : "");
  return parts;
}

Result<> apply_tokenizer_config(std::string_view text, TokenizerParts& parts) {
  const json root = TRY(parse_object(text, kTokenizerConfigFile));
  TRY(read_configured_sides(root, parts.sides));
  if (flag(root, "add_prefix_space"))
    return refuse(kTokenizerConfigFile, "add_prefix_space", "true is not supported",
                  ErrorCode::unimplemented);
  for (const auto& [key, token] :
       {std::pair<const char*, std::string*>("pad_token", &parts.pad_token),
        std::pair<const char*, std::string*>("bos_token", &parts.bos_token),
        std::pair<const char*, std::string*>("eos_token", &parts.eos_token),
        std::pair<const char*, std::string*>("unk_token", &parts.unk_token)})
    TRY(read_special_token(root, key, *token));
  return read_added_tokens_decoder(member(root, "added_tokens_decoder"), parts.added);
}

Result<TokenizerParts> load_tokenizer_parts(const std::filesystem::path& folder, BpeKind kind) {
  TokenizerParts parts;
  if (is_text_file(folder / "tokenizer.json") || !is_text_file(folder / "vocab.json")) {
    const std::string text = TRY(read_text_file(folder / "tokenizer.json"));
    parts = TRY(parse_tokenizer_json(text, kind));
  } else {
    const std::string vocab = TRY(read_text_file(folder / "vocab.json"));
    const std::string merges = TRY(read_text_file(folder / "merges.txt"));
    parts = TRY(parse_vocab_and_merges(vocab, merges, kind));
  }
  if (is_text_file(folder / "tokenizer_config.json")) {
    const std::string text = TRY(read_text_file(folder / "tokenizer_config.json"));
    TRY(apply_tokenizer_config(text, parts));
  }
  if (is_text_file(folder / kAddedTokensFile)) {
    const std::string text = TRY(read_text_file(folder / kAddedTokensFile));
    const json ids = TRY(parse_object(text, kAddedTokensFile));
    TRY(read_added_token_ids(ids, parts.added));
  }
  return parts;
}

}  // namespace imagined::engine

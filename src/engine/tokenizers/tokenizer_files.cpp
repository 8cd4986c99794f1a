#include "engine/tokenizers/tokenizer_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "engine/tokenizers/pre_tokenizer.h"

namespace imagined::engine {
namespace {

using nlohmann::json;

constexpr std::string_view kTokenizerFile = "tokenizer.json";
constexpr std::string_view kConfigFile = "tokenizer_config.json";

tl::unexpected<Error> refuse(std::string_view file, std::string_view key, std::string_view what,
                             ErrorCode code = ErrorCode::invalid_argument) {
  return fail(code, fmt::format("{}: \"{}\": {}", file, key, what));
}

tl::unexpected<Error> unsupported(std::string_view key, std::string_view what) {
  return refuse(kTokenizerFile, key, fmt::format("{} is not supported", what),
                ErrorCode::unimplemented);
}

/// Whether brackets nest deeper than `limit` anywhere; strings are skipped. Asked before parsing,
/// because the parser itself would follow any depth.
bool nests_deeper(std::string_view text, std::size_t limit) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > limit) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

Result<json> parse_object(std::string_view text, std::string_view file) {
  constexpr std::size_t kMaxDepth = 32;
  if (nests_deeper(text, kMaxDepth))
    return fail(ErrorCode::data_loss,
                fmt::format("{}: nested deeper than {} levels", file, kMaxDepth));
  json root = json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (root.is_discarded())
    return fail(ErrorCode::data_loss, fmt::format("{}: not valid JSON", file));
  if (!root.is_object())
    return fail(ErrorCode::invalid_argument, fmt::format("{}: not a JSON object", file));
  return root;
}

/// The member, or null where it is missing.
const json& member(const json& object, const char* key) {
  static const json null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

bool flag(const json& object, const char* key) {
  const json& value = member(object, key);
  return value.is_boolean() && value.get<bool>();
}

std::string text_of(const json& value) {
  return value.is_string() ? value.get<std::string>() : std::string();
}

bool is_token_id(const json& value) {
  return value.is_number_unsigned() &&
         value.get<std::uint64_t>() < static_cast<std::uint64_t>(kMaxTokenId);
}

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

Result<> read_model(const json& model, Bpe& bpe) {
  if (!model.is_object()) return refuse(kTokenizerFile, "model", "expected an object");
  if (const std::string type = text_of(member(model, "type")); !type.empty() && type != "BPE")
    return unsupported("model.type", fmt::format("\"{}\"", type));
  if (flag(model, "byte_fallback")) return unsupported("model.byte_fallback", "true");
  if (!member(model, "dropout").is_null() && member(model, "dropout") != 0)
    return unsupported("model.dropout", "dropout");
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!text_of(member(model, key)).empty())
      return unsupported(fmt::format("model.{}", key), "a word mark");
  const json& vocab = member(model, "vocab");
  const json& merges = member(model, "merges");
  bpe.reserve(vocab.size(), merges.size());
  TRY(read_vocab(vocab, kTokenizerFile, "model.vocab", bpe));
  TRY(read_merges(merges, bpe));
  bpe.ignore_merges(flag(model, "ignore_merges"));
  bpe.finish();
  return {};
}

/// A step, or the steps of a sequence, as a list.
std::vector<const json*> steps_of(const json& step, const char* list) {
  std::vector<const json*> steps;
  if (step.is_null()) return steps;
  if (step.is_object() && text_of(member(step, "type")) == "Sequence" &&
      member(step, list).is_array()) {
    for (const json& inner : member(step, list)) steps.push_back(&inner);
  } else {
    steps.push_back(&step);
  }
  return steps;
}

std::string type_of(const json& step) {
  return step.is_object() ? text_of(member(step, "type")) : std::string();
}

/// The steps around the model must be Qwen2's; absent ones are taken as Qwen2's, as transformers 5
/// does for this class of tokenizer.
Result<> check_steps(const json& root) {
  for (const json* step : steps_of(member(root, "normalizer"), "normalizers"))
    if (type_of(*step) != "NFC")
      return unsupported("normalizer", fmt::format("\"{}\"", type_of(*step)));
  for (const json* step : steps_of(member(root, "pre_tokenizer"), "pretokenizers")) {
    const std::string type = type_of(*step);
    if (type == "Split") {
      const json& pattern = member(*step, "pattern");
      if (!pattern.is_object() || text_of(member(pattern, "Regex")) != kQwen2Pattern ||
          text_of(member(*step, "behavior")) != "Isolated" || flag(*step, "invert"))
        return unsupported("pre_tokenizer", "this pattern");
    } else if (type == "ByteLevel") {
      if (flag(*step, "add_prefix_space")) return unsupported("pre_tokenizer", "add_prefix_space");
      const json& use_regex = member(*step, "use_regex");
      if (!use_regex.is_boolean() || use_regex.get<bool>())
        return unsupported("pre_tokenizer", "ByteLevel with a pattern of its own");
    } else {
      return unsupported("pre_tokenizer", fmt::format("\"{}\"", type));
    }
  }
  const json& post = member(root, "post_processor");
  if (post.is_object() && member(post, "special_tokens").is_object() &&
      !member(post, "special_tokens").empty())
    return unsupported("post_processor", "adding tokens to every text");
  return {};
}

/// Reads one added token; `key` names it in messages.
Result<AddedToken> read_added(const json& entry, const json& id, std::string_view file,
                              std::string_view key) {
  if (!entry.is_object() || !member(entry, "content").is_string())
    return refuse(file, key, "expected an object with \"content\"");
  if (!is_token_id(id))
    return refuse(file, key,
                  fmt::format("the id is no whole number from 0 to {}", kMaxTokenId - 1));
  AddedToken token;
  token.content = text_of(member(entry, "content"));
  if (token.content.size() > kMaxAddedTokenBytes)
    return refuse(
        file, key,
        fmt::format("a token of {} bytes, {} allowed", token.content.size(), kMaxAddedTokenBytes));
  token.id = id.get<std::int32_t>();
  token.normalized = flag(entry, "normalized");
  token.left_strip = flag(entry, "lstrip");
  token.right_strip = flag(entry, "rstrip");
  token.single_word = flag(entry, "single_word");
  return token;
}

Result<> read_added_list(const json& list, std::vector<AddedToken>& added) {
  if (list.is_null()) return {};
  if (!list.is_array() || list.size() > kMaxAddedTokens)
    return refuse(kTokenizerFile, "added_tokens",
                  fmt::format("expected a list of at most {} tokens", kMaxAddedTokens));
  std::unordered_set<std::string> known;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const json& id = list[i].is_object() ? member(list[i], "id") : list[i];
    AddedToken token =
        TRY(read_added(list[i], id, kTokenizerFile, fmt::format("added_tokens[{}]", i)));
    if (!known.insert(token.content).second)
      return refuse(kTokenizerFile, fmt::format("added_tokens[{}]", i),
                    fmt::format("{} twice", json(token.content).dump()));
    added.push_back(std::move(token));
  }
  return {};
}

}  // namespace

Result<TokenizerParts> parse_tokenizer_json(std::string_view text) {
  const json root = TRY(parse_object(text, kTokenizerFile));
  TokenizerParts parts;
  TRY(check_steps(root));
  TRY(read_model(member(root, "model"), parts.bpe));
  TRY(read_added_list(member(root, "added_tokens"), parts.added));
  return parts;
}

Result<TokenizerParts> parse_vocab_and_merges(std::string_view vocab, std::string_view merges) {
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
  parts.bpe.finish();
  return parts;
}

Result<> apply_tokenizer_config(std::string_view text, TokenizerParts& parts) {
  const json root = TRY(parse_object(text, kConfigFile));
  if (flag(root, "add_prefix_space"))
    return refuse(kConfigFile, "add_prefix_space", "true is not supported",
                  ErrorCode::unimplemented);
  const json& pad = member(root, "pad_token");
  const json& pad_text = pad.is_object() ? member(pad, "content") : pad;
  if (pad_text.is_string())
    parts.pad_token = text_of(pad_text);
  else if (!pad.is_null())
    return refuse(kConfigFile, "pad_token", "expected a string");
  const json& decoder = member(root, "added_tokens_decoder");
  if (decoder.is_null()) return {};
  if (!decoder.is_object() || decoder.size() > kMaxAddedTokens)
    return refuse(kConfigFile, "added_tokens_decoder",
                  fmt::format("expected an object of at most {} tokens", kMaxAddedTokens));
  std::unordered_set<std::string> known;
  for (const AddedToken& token : parts.added) known.insert(token.content);
  for (const auto& [key, entry] : decoder.items()) {
    std::uint64_t id = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    const bool whole = error == std::errc() && end == key.data() + key.size();
    AddedToken token = TRY(read_added(entry, whole ? json(id) : json(), kConfigFile,
                                      fmt::format("added_tokens_decoder.{}", key)));
    if (known.insert(token.content).second) parts.added.push_back(std::move(token));
  }
  return {};
}

}  // namespace imagined::engine

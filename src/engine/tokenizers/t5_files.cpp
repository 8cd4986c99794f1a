#include "engine/tokenizers/t5_files.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "base/crypto.h"
#include "engine/tokenizers/json_file.h"
#include "engine/tokenizers/text_file.h"

namespace imagined::engine {
namespace {

using nlohmann::json;

constexpr std::int64_t kMaxExtraTokens = 10'000;

Result<> read_charsmap(const json& step, T5Parts& parts) {
  constexpr const char* kCharsmapKey = "normalizer.precompiled_charsmap";
  const json& text = member(step, "precompiled_charsmap");
  if (!text.is_string()) return refuse(kTokenizerFile, kCharsmapKey, "expected a string");
  for (const NormalizerStep& other : parts.steps)
    if (other.kind == NormalizerStep::Kind::charsmap)
      return unsupported("normalizer", "a second character map");
  const Result<std::string> bytes = from_base64(text.get_ref<const std::string&>());
  if (!bytes) return refuse(kTokenizerFile, kCharsmapKey, bytes.error().message);
  Result<Charsmap> map = Charsmap::parse(*bytes);
  if (!map) return refuse(kTokenizerFile, kCharsmapKey, map.error().message, map.error().code);
  parts.charsmap = std::move(*map);
  parts.steps.push_back({.kind = NormalizerStep::Kind::charsmap});
  return {};
}

Result<> read_normalizer(const json& normalizer, T5Parts& parts) {
  for (const json* step : steps_of(normalizer, "normalizers")) {
    const std::string type = type_of(*step);
    if (type == "Precompiled") {
      TRY(read_charsmap(*step, parts));
    } else if (type == "Strip") {
      parts.steps.push_back({.kind = NormalizerStep::Kind::strip,
                             .left = flag(*step, "strip_left"),
                             .right = flag(*step, "strip_right")});
    } else if (type == "Replace") {
      const json& pattern = member(*step, "pattern");
      if (!pattern.is_object() || text_of(member(pattern, "Regex")) != " {2,}" ||
          !member(*step, "content").is_string() ||
          text_of(member(*step, "content")).size() > kMaxAddedTokenBytes)
        return unsupported("normalizer", "this replacement");
      parts.steps.push_back({.kind = NormalizerStep::Kind::collapse_spaces,
                             .content = text_of(member(*step, "content"))});
    } else {
      return unsupported("normalizer", json(type).dump());
    }
  }
  return {};
}

/// transformers 4 wrote add_prefix_space at first, transformers 5 writes prepend_scheme.
Result<> read_metaspace(const json& step, T5Parts& parts) {
  const json& mark = member(step, "replacement");
  if (!mark.is_string() || text_of(mark) != kWordMark)
    return unsupported("pre_tokenizer.replacement", mark.dump());
  const json& scheme = member(step, "prepend_scheme");
  const json& prefix = member(step, "add_prefix_space");
  if (scheme == "always" || (scheme.is_null() && (prefix.is_null() || prefix == true)))
    parts.prepend = PrependScheme::always;
  else if (scheme == "never" || (scheme.is_null() && prefix == false))
    parts.prepend = PrependScheme::never;
  else if (scheme == "first")
    parts.prepend = PrependScheme::first;
  else
    return refuse(kTokenizerFile, "pre_tokenizer.prepend_scheme",
                  "expected \"always\", \"first\" or \"never\"");
  const json& split = member(step, "split");
  parts.splits_at_marks = !split.is_boolean() || split.get<bool>();
  return {};
}

Result<> read_pre_tokenizer(const json& pre_tokenizer, T5Parts& parts) {
  bool has_marks = false;
  for (const json* step : steps_of(pre_tokenizer, "pretokenizers")) {
    const std::string type = type_of(*step);
    if (type == "WhitespaceSplit" && !has_marks && !parts.splits_white_space) {
      parts.splits_white_space = true;
    } else if (type == "Metaspace" && !has_marks) {
      TRY(read_metaspace(*step, parts));
      has_marks = true;
    } else {
      return unsupported("pre_tokenizer", json(type).dump());
    }
  }
  if (!has_marks) return unsupported("pre_tokenizer", "one without Metaspace");
  return {};
}

Result<> read_unigram(const json& model, T5Parts& parts) {
  if (!model.is_object()) return refuse(kTokenizerFile, "model", "expected an object");
  if (const std::string type = text_of(member(model, "type")); type != "Unigram")
    return unsupported("model.type", json(type).dump());
  if (flag(model, "byte_fallback")) return unsupported("model.byte_fallback", "true");
  const json& vocab = member(model, "vocab");
  if (!vocab.is_array() || vocab.empty() || vocab.size() > kMaxTokens)
    return refuse(kTokenizerFile, "model.vocab",
                  fmt::format("expected a list of 1 to {} pieces", kMaxTokens));
  for (std::size_t id = 0; id < vocab.size(); ++id) {
    const json& piece = vocab[id];
    if (!piece.is_array() || piece.size() != 2 || !piece[0].is_string() || !piece[1].is_number())
      return refuse(kTokenizerFile, "model.vocab",
                    fmt::format("piece {} is not a text and a score", id));
    parts.pieces.push_back({text_of(piece[0]), piece[1].get<double>()});
  }
  const json& unknown = member(model, "unk_id");
  if (!is_token_id(unknown) || unknown.get<std::size_t>() >= vocab.size())
    return refuse(kTokenizerFile, "model.unk_id",
                  fmt::format("expected a whole number below {}", vocab.size()));
  parts.unknown_id = unknown.get<std::int32_t>();
  return {};
}

/// A text ends with </s>; tokenizer.json may say so, and nothing else.
Result<> check_post_processor(const json& post, const T5Parts& parts) {
  const Frame frame = TRY(read_frame(post));
  if (frame.before.empty() && frame.after.empty()) return {};
  const auto is_end = [&](std::int32_t id) {
    const auto index = static_cast<std::size_t>(id);
    if (index < parts.pieces.size() && parts.pieces[index].text == parts.eos_token) return true;
    for (const AddedToken& token : parts.added)
      if (token.id == id && token.content == parts.eos_token) return true;
    return false;
  };
  if (!frame.before.empty() || frame.after.size() != 1 || !is_end(frame.after[0]))
    return refuse(kTokenizerFile, "post_processor",
                  fmt::format("expected \"{}\" behind a text and nothing else", parts.eos_token));
  return {};
}

}  // namespace

Result<T5Parts> parse_t5_json(std::string_view text) {
  const json root = TRY(parse_object(text, kTokenizerFile));
  T5Parts parts{.file = kTokenizerFile, .pieces_key = "model.vocab"};
  parts.extra_count = 0;  // they are in the file
  TRY(read_unigram(member(root, "model"), parts));
  TRY(read_normalizer(member(root, "normalizer"), parts));
  TRY(read_pre_tokenizer(member(root, "pre_tokenizer"), parts));
  parts.added = TRY(read_added_tokens(member(root, "added_tokens")));
  TRY(check_post_processor(member(root, "post_processor"), parts));
  read_sides(root, parts.sides);
  read_padding_token(root, parts.pad_token);
  return parts;
}

Result<> apply_t5_config(std::string_view text, T5Parts& parts) {
  const json root = TRY(parse_object(text, kTokenizerConfigFile));
  TRY(read_configured_sides(root, parts.sides));
  TRY(read_special_token(root, "pad_token", parts.pad_token));
  TRY(read_special_token(root, "eos_token", parts.eos_token));
  const json& extra = member(root, "extra_ids");
  if (!extra.is_null()) {
    if (!extra.is_number_unsigned() || extra.get<std::uint64_t>() > kMaxExtraTokens)
      return refuse(kTokenizerConfigFile, "extra_ids",
                    fmt::format("expected a whole number up to {}", kMaxExtraTokens));
    if (parts.extra_count > 0) parts.extra_count = extra.get<std::int64_t>();
  }
  return read_added_tokens_decoder(member(root, "added_tokens_decoder"), parts.added);
}

Result<T5Parts> load_t5_parts(const std::filesystem::path& folder) {
  T5Parts parts;
  if (is_text_file(folder / kTokenizerFile) || !is_text_file(folder / kSentencePieceFile)) {
    const std::string text = TRY(read_text_file(folder / kTokenizerFile));
    parts = TRY(parse_t5_json(text));
  } else {
    const std::string bytes = TRY(read_text_file(folder / kSentencePieceFile));
    parts = TRY(parse_sentencepiece(bytes));
  }
  if (is_text_file(folder / kTokenizerConfigFile)) {
    const std::string text = TRY(read_text_file(folder / kTokenizerConfigFile));
    TRY(apply_t5_config(text, parts));
  }
  return parts;
}

}  // namespace imagined::engine

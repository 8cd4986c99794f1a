#include "engine/tokenizers/t5_tokenizer.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <string>

#include "base/check.h"
#include "base/utf8.h"
#include "engine/tokenizers/json_file.h"
#include "engine/tokenizers/listed_vocabulary.h"
#include "engine/tokenizers/t5_files.h"
#include "engine/tokenizers/unicode.h"

namespace imagined::engine {
namespace {

bool is_space(CodePoint c) { return class_of(c.value) == CharClass::space; }

/// Takes what `drops` is true of off the ends that the step names.
template <class Drops>
std::string strip(std::string_view text, const NormalizerStep& step, Drops drops) {
  while (step.left && !text.empty() && drops(first_code_point(text)))
    text.remove_prefix(first_code_point(text).size_bytes);
  while (step.right && !text.empty() && drops(last_code_point(text)))
    text.remove_suffix(last_code_point(text).size_bytes);
  return std::string(text);
}

std::string collapse_spaces(std::string_view text, std::string_view content) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t space_count = std::min(text.find_first_not_of(' '), text.size());
    out += space_count >= 2 ? content : text.substr(0, space_count);
    text.remove_prefix(space_count);
    const std::size_t word_bytes = std::min(text.find(' '), text.size());
    out += text.substr(0, word_bytes);
    text.remove_prefix(word_bytes);
  }
  return out;
}

/// The words between white space.
std::vector<std::string_view> split_white_space(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint next = first_code_point(text.substr(at));
    const bool space = is_space(next);
    if (space && at > begin) words.push_back(text.substr(begin, at - begin));
    at += next.size_bytes;
    if (space) begin = at;
  }
  if (begin < text.size()) words.push_back(text.substr(begin));
  return words;
}

enum class Prefix : bool { none, word_mark };

/// Spaces as word marks, and one in front where asked and missing.
std::string mark_spaces(std::string_view word, Prefix prefix) {
  std::string marked;
  marked.reserve(word.size() + kWordMark.size());
  if (prefix == Prefix::word_mark && !word.starts_with(' ') && !word.starts_with(kWordMark))
    marked += kWordMark;
  for (const char c : word) {
    if (c == ' ')
      marked += kWordMark;
    else
      marked += c;
  }
  return marked;
}

}  // namespace

struct T5Tokenizer::State {
  Unigram unigram;
  Charsmap charsmap;
  std::vector<NormalizerStep> steps;
  bool splits_white_space = false;
  PrependScheme prepend = PrependScheme::always;
  bool splits_at_marks = true;
  AddedTokenLists added;
  std::int32_t unknown_id = 0;
  std::int32_t eos_id = 0;
  std::int32_t pad_id = 0;
  std::int64_t vocab_size = 0;

  std::string normalize(std::string_view text) const;
  void encode_words(std::string_view text, bool at_start, std::vector<std::int32_t>& ids) const;
  void encode_marked(std::string_view marked, std::vector<std::int32_t>& ids) const;
};

std::string T5Tokenizer::State::normalize(std::string_view text) const {
  std::string normal(text);
  for (const NormalizerStep& step : steps) {
    switch (step.kind) {
      case NormalizerStep::Kind::charsmap:
        normal = charsmap.normalize(normal);
        break;
      case NormalizerStep::Kind::strip:
        normal = strip(normal, step, is_space);
        break;
      case NormalizerStep::Kind::strip_spaces:
        normal = strip(normal, step, [](CodePoint c) { return c.value == ' '; });
        break;
      case NormalizerStep::Kind::collapse_spaces:
        normal = collapse_spaces(normal, step.content);
        break;
    }
  }
  return normal;
}

void T5Tokenizer::State::encode_marked(std::string_view marked,
                                       std::vector<std::int32_t>& ids) const {
  while (!marked.empty()) {
    // A word reaches to the next mark.
    const std::size_t end =
        splits_at_marks ? std::min(marked.find(kWordMark, 1), marked.size()) : marked.size();
    unigram.encode(marked.substr(0, end), ids);
    marked.remove_prefix(end);
  }
}

/// text: normalised. at_start: it is the beginning of what is encoded.
void T5Tokenizer::State::encode_words(std::string_view text, bool at_start,
                                      std::vector<std::int32_t>& ids) const {
  const std::vector<std::string_view> words =
      splits_white_space ? split_white_space(text) : std::vector<std::string_view>{text};
  for (const std::string_view word : words) {
    const bool first = at_start && word.data() == text.data();
    const bool marks =
        prepend == PrependScheme::always || (prepend == PrependScheme::first && first);
    encode_marked(mark_spaces(word, marks ? Prefix::word_mark : Prefix::none), ids);
  }
}

T5Tokenizer::T5Tokenizer(std::unique_ptr<const State> state) : state_(std::move(state)) {}
T5Tokenizer::T5Tokenizer(T5Tokenizer&&) noexcept = default;
T5Tokenizer& T5Tokenizer::operator=(T5Tokenizer&&) noexcept = default;
T5Tokenizer::~T5Tokenizer() = default;

namespace {

/// SentencePiece's file lacks the tokens <extra_id_99> to <extra_id_0>, which follow the pieces.
void add_extra_tokens(T5Parts& parts) {
  for (const AddedToken& token : parts.added)
    if (token.content.starts_with("<extra_id_")) return;
  const auto piece_count = static_cast<std::int64_t>(parts.pieces.size());
  for (std::int64_t i = 0; i < parts.extra_count; ++i)
    parts.added.push_back({.content = fmt::format("<extra_id_{}>", parts.extra_count - 1 - i),
                           .id = static_cast<std::int32_t>(piece_count + i)});
}

Result<std::int32_t> find_id(const T5Parts& parts, std::string_view key, const std::string& token) {
  for (const AddedToken& added : parts.added)
    if (added.content == token) return added.id;
  for (std::size_t id = 0; id < parts.pieces.size(); ++id)
    if (parts.pieces[id].text == token) return static_cast<std::int32_t>(id);
  return refuse(kTokenizerConfigFile, key,
                fmt::format("the vocabulary has no \"{}\"", valid_utf8(token)));
}

}  // namespace

Result<T5Tokenizer> T5Tokenizer::make(T5Parts parts) {
  TRY(check_sides(parts.sides));
  add_extra_tokens(parts);
  auto state = std::make_unique<State>();
  state->eos_id = TRY(find_id(parts, "eos_token", parts.eos_token));
  state->pad_id = TRY(find_id(parts, "pad_token", parts.pad_token));
  state->unknown_id = parts.unknown_id;
  state->charsmap = std::move(parts.charsmap);
  state->steps = std::move(parts.steps);
  state->splits_white_space = parts.splits_white_space;
  state->prepend = parts.prepend;
  state->splits_at_marks = parts.splits_at_marks;
  state->vocab_size = static_cast<std::int64_t>(parts.pieces.size());
  Result<Unigram> unigram = Unigram::build(std::move(parts.pieces), parts.unknown_id);
  if (!unigram) return refuse(parts.file, parts.pieces_key, unigram.error().message);
  state->unigram = std::move(*unigram);
  for (AddedToken& token : parts.added) {
    state->vocab_size = std::max<std::int64_t>(state->vocab_size, token.id + 1);
    state->added.add(std::move(token),
                     [&](std::string_view text) { return state->normalize(text); });
  }
  return T5Tokenizer(std::move(state));
}

Result<T5Tokenizer> T5Tokenizer::load(const std::filesystem::path& folder) {
  T5Parts parts = TRY(load_t5_parts(folder));
  return make(std::move(parts));
}

Result<T5Tokenizer> T5Tokenizer::parse(std::string_view tokenizer_json,
                                       std::string_view tokenizer_config) {
  T5Parts parts = TRY(parse_t5_json(tokenizer_json));
  if (!tokenizer_config.empty()) TRY(apply_t5_config(tokenizer_config, parts));
  return make(std::move(parts));
}

Result<T5Tokenizer> T5Tokenizer::from(const ListedVocabulary& vocabulary) {
  T5Parts parts = TRY(listed_unigrams(vocabulary));
  return make(std::move(parts));
}

Result<T5Tokenizer> T5Tokenizer::parse_spiece(std::string_view spiece_model,
                                              std::string_view tokenizer_config) {
  T5Parts parts = TRY(parse_sentencepiece(spiece_model));
  if (!tokenizer_config.empty()) TRY(apply_t5_config(tokenizer_config, parts));
  return make(std::move(parts));
}

std::vector<std::int32_t> T5Tokenizer::encode(std::string_view text) const {
  return state_->added.encode(
      valid_utf8(text), [&](std::string_view piece) { return state_->normalize(piece); },
      [&](std::string_view piece, bool at_start, std::vector<std::int32_t>& ids) {
        state_->encode_words(piece, at_start, ids);
      });
}

PromptEncoding T5Tokenizer::encode_prompt(std::string_view prompt,
                                          const PromptLength& length) const {
  CHECK(length.max_tokens >= 1, "{} tokens hold no end", length.max_tokens);
  const auto limit = static_cast<std::size_t>(length.max_tokens);
  PromptEncoding encoding;
  encoding.ids = encode(prompt);
  if (encoding.ids.size() > limit - 1) encoding.ids.resize(limit - 1);
  encoding.ids.push_back(state_->eos_id);
  encoding.real_count = static_cast<std::int64_t>(encoding.ids.size());
  if (length.pad) encoding.ids.resize(limit, state_->pad_id);
  return encoding;
}

std::int32_t T5Tokenizer::eos_id() const { return state_->eos_id; }
std::int32_t T5Tokenizer::unknown_id() const { return state_->unknown_id; }
std::int64_t T5Tokenizer::vocab_size() const { return state_->vocab_size; }

}  // namespace imagined::engine

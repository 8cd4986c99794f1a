// Text to token ids for T5's encoder: SentencePiece's unigram model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/tokenizers/prompt_encoding.h"

namespace imagined::engine {

/// T5's tokenizer. Characters are replaced as the file's own map says, the longest first, which is
/// SentencePiece's rule; Hugging Face's tokenizers apply the map to grapheme clusters and lose the
/// accent of, say, U+FB01 U+0301. Immutable and shared by threads; moves, never copies.
class T5Tokenizer {
 public:
  /// folder: holds tokenizer.json, or spiece.model; tokenizer_config.json beside it is read where
  /// present (end and padding token, added tokens).
  /// Errors: `not_found`, `data_loss` (not JSON, a broken map), `invalid_argument` (a key of the
  /// wrong type or with a value that cannot be), `unimplemented` (another kind of tokenizer),
  /// naming file and key.
  static Result<T5Tokenizer> load(const std::filesystem::path& folder);

  /// The same from the text of the files; an empty tokenizer_config is a missing one.
  static Result<T5Tokenizer> parse(std::string_view tokenizer_json,
                                   std::string_view tokenizer_config = {});

  /// The same from the bytes of spiece.model.
  static Result<T5Tokenizer> parse_spiece(std::string_view spiece_model,
                                          std::string_view tokenizer_config = {});

  /// The same from the lists in a GGUF file.
  static Result<T5Tokenizer> from(const struct ListedVocabulary& vocabulary);

  T5Tokenizer(T5Tokenizer&&) noexcept;
  T5Tokenizer& operator=(T5Tokenizer&&) noexcept;
  ~T5Tokenizer();

  /// The ids of a text without </s>; added tokens in the text are recognised, as in Hugging Face's
  /// tokenizers. Bytes that are not UTF-8 count as U+FFFD. Time grows with the text's length,
  /// whatever the text.
  std::vector<std::int32_t> encode(std::string_view text) const;

  /// The ids and </s>, padded on the right. A long prompt loses its end, but not </s>.
  /// length.max_tokens is at least 1.
  PromptEncoding encode_prompt(std::string_view prompt, const PromptLength& length = {}) const;

  std::int32_t eos_id() const;
  std::int32_t unknown_id() const;
  /// One more than the largest id: the text encoder's embedding must have at least so many rows.
  std::int64_t vocab_size() const;

 private:
  struct State;
  explicit T5Tokenizer(std::unique_ptr<const State> state);
  static Result<T5Tokenizer> make(struct T5Parts parts);
  std::unique_ptr<const State> state_;
};

}  // namespace imagined::engine

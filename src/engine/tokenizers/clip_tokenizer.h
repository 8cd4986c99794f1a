// Text to token ids for CLIP's text encoder: byte-level BPE with a mark at the end of each word.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/tokenizers/prompt_encoding.h"

namespace imagined::engine {

/// CLIP's tokenizer, as transformers 5 has it (CLIPTokenizer): NFC, runs of white space as one
/// space, lower case, words by kClipPattern, BPE. Immutable and shared by threads; moves, never
/// copies.
class ClipTokenizer {
 public:
  /// folder: holds tokenizer.json, or vocab.json and merges.txt; tokenizer_config.json beside it is
  /// read where present (beginning, end, padding and unknown token, added tokens).
  /// Errors: `not_found`, `data_loss` (not JSON), `invalid_argument` (a key of the wrong type or
  /// with a value that cannot be), `unimplemented` (another kind of tokenizer), naming file and
  /// key.
  static Result<ClipTokenizer> load(const std::filesystem::path& folder);

  /// The same from the text of the files; an empty tokenizer_config is a missing one.
  static Result<ClipTokenizer> parse(std::string_view tokenizer_json,
                                     std::string_view tokenizer_config = {});

  ClipTokenizer(ClipTokenizer&&) noexcept;
  ClipTokenizer& operator=(ClipTokenizer&&) noexcept;
  ~ClipTokenizer();

  /// The ids of a text without <|startoftext|> and <|endoftext|>; added tokens in the text are
  /// recognised, as in Hugging Face's tokenizers. Bytes that are not UTF-8 count as U+FFFD. Time
  /// grows like n log n in the text's length, whatever the text.
  std::vector<std::int32_t> encode(std::string_view text) const;

  /// <|startoftext|>, the ids, <|endoftext|>, padded on the right. A long prompt loses its end, but
  /// never the last token: CLIP's summary of the text is read there. length.max_tokens is at
  /// least 2.
  PromptEncoding encode_prompt(std::string_view prompt,
                               const PromptLength& length = {.max_tokens = 77}) const;

  std::int32_t bos_id() const;
  std::int32_t eos_id() const;
  /// One more than the largest id: the text encoder's embedding must have at least so many rows.
  std::int64_t vocab_size() const;

 private:
  struct State;
  explicit ClipTokenizer(std::unique_ptr<const State> state);
  std::unique_ptr<const State> state_;
};

}  // namespace imagined::engine

// Text to token ids: the byte-level BPE of Qwen2 and Qwen3, and the chat template around a prompt.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/tokenizers/prompt_encoding.h"

namespace imagined::engine {

/// A byte-level BPE tokenizer. Immutable and shared by threads; moves, never copies.
class QwenTokenizer {
 public:
  /// folder: holds tokenizer.json, or vocab.json and merges.txt; tokenizer_config.json beside it is
  /// read where present (padding token, added tokens), and the chat template (chat_template.h).
  /// Errors: `not_found`, `data_loss` (not JSON), `invalid_argument` (a key of the wrong type or
  /// with a value that cannot be; a mark of the template that is no token), `unimplemented`
  /// (another kind of tokenizer), naming file and key.
  static Result<QwenTokenizer> load(const std::filesystem::path& folder);

  /// The same from the text of the files; an empty tokenizer_config is a missing one.
  static Result<QwenTokenizer> parse(std::string_view tokenizer_json,
                                     std::string_view tokenizer_config = {});

  /// The same from the lists in a GGUF file.
  static Result<QwenTokenizer> from(const struct ListedVocabulary& vocabulary);

  QwenTokenizer(QwenTokenizer&&) noexcept;
  QwenTokenizer& operator=(QwenTokenizer&&) noexcept;
  ~QwenTokenizer();

  /// The ids of a text without a template; added tokens in the text are recognised, as in
  /// Hugging Face's tokenizers. Bytes that are not UTF-8 count as U+FFFD. Time grows like
  /// n log n in the text's length, whatever the text.
  std::vector<std::int32_t> encode(std::string_view text) const;

  /// The ids of a prompt in the chat template, neither cut nor padded. Tokenised as a whole, so a
  /// prompt's first newline joins the template's.
  std::vector<std::int32_t> encode_prompt(std::string_view prompt) const;

  /// The same, cut and padded on the right.
  PromptEncoding encode_prompt(std::string_view prompt, const PromptLength& length) const;

  /// One more than the largest id: the text encoder's embedding must have at least so many rows.
  std::int64_t vocab_size() const;
  std::optional<std::int32_t> id_of(std::string_view token) const;

 private:
  struct State;
  explicit QwenTokenizer(std::unique_ptr<const State> state);
  Result<> check_marks() const;
  std::unique_ptr<const State> state_;
};

}  // namespace imagined::engine

// Text to token ids for Mistral's decoders: byte-level BPE that is cut as "tekken" cuts, and the
// conversation that FLUX.2 [dev] puts a prompt into.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/tokenizers/prompt_encoding.h"

namespace imagined::engine {

/// Immutable and shared by threads; moves, never copies.
class MistralTokenizer {
 public:
  /// folder: holds tokenizer.json; tokenizer_config.json and a chat template beside it are read
  /// where present. The template must write what FLUX.2 [dev] was trained with, and prompts must be
  /// filled up on the left: others are `unimplemented`. Errors as QwenTokenizer::load.
  static Result<MistralTokenizer> load(const std::filesystem::path& folder);

  /// The same from the lists in a GGUF file.
  static Result<MistralTokenizer> from(const struct ListedVocabulary& vocabulary);

  MistralTokenizer(MistralTokenizer&&) noexcept;
  MistralTokenizer& operator=(MistralTokenizer&&) noexcept;
  ~MistralTokenizer();

  /// The ids of a text without a template.
  std::vector<std::int32_t> encode(std::string_view text) const;

  /// The ids of a prompt in its conversation, neither cut nor padded. "[IMG]" in it is left out: it
  /// stands for a picture.
  std::vector<std::int32_t> encode_prompt(std::string_view prompt) const;

  /// The same, cut at its end and padded on its left; real_count ids stand behind the padding.
  PromptEncoding encode_prompt(std::string_view prompt, const PromptLength& length) const;

  /// One more than the largest id.
  std::int64_t vocab_size() const;

 private:
  struct State;
  explicit MistralTokenizer(std::unique_ptr<const State> state);
  static Result<MistralTokenizer> make(struct TokenizerParts parts, struct PromptFrame frame);
  std::unique_ptr<const State> state_;
};

}  // namespace imagined::engine

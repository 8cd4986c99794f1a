// A tokenizer as llama.cpp's converters keep it in a GGUF file: lists, by id.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/tokenizers/bpe_files.h"
#include "engine/tokenizers/t5_files.h"
#include "engine/tokenizers/tokenizer_kind.h"

namespace imagined::engine {

/// Keys of `tokenizer.ggml.` without that beginning, unless said otherwise; as found, unchecked.
struct ListedVocabulary {
  std::string model;                // "gpt2": byte-level BPE; "t5": SentencePiece's unigrams
  std::string pre;                  // how texts are cut: "qwen2", "tekken"
  std::vector<std::string> tokens;  // spelled as in vocab.json
  std::vector<std::int64_t> types;  // token_type, ggml's numbers
  std::vector<double> scores;
  std::vector<std::string> merges;  // "a b"
  std::string charsmap;             // precompiled_charsmap
  std::optional<std::int64_t> padding_id;
  std::optional<std::int64_t> eos_id;
  bool add_space_prefix = true;
  bool remove_extra_whitespaces = true;
  std::optional<std::string> chat_template;  // tokenizer.chat_template
};

/// Which of ours it is; nothing for one that is not known here.
std::optional<TokenizerKind> kind_of(const ListedVocabulary& vocabulary);

/// Errors name the key: `invalid_argument` for lists that do not fit each other and ids outside
/// them, `unimplemented` for another kind of tokenizer or token.
Result<TokenizerParts> listed_bpe(const ListedVocabulary& vocabulary);
Result<T5Parts> listed_unigrams(const ListedVocabulary& vocabulary);

}  // namespace imagined::engine

// What a tokenizer's files say, checked: the parts that a Tokenizer is made of.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/tokenizers/added_tokens.h"
#include "engine/tokenizers/bpe.h"

namespace imagined::engine {

// Limits far above published files (Qwen3: 151,643 tokens, 151,387 merges, 11 MB).
inline constexpr std::size_t kMaxTokenizerBytes = 64 << 20;
inline constexpr std::size_t kMaxTokens = 4'000'000;
inline constexpr std::size_t kMaxAddedTokens = 100'000;
inline constexpr std::size_t kMaxAddedTokenBytes = 512;
inline constexpr std::int64_t kMaxTokenId = 16'000'000;

struct TokenizerParts {
  Bpe bpe;
  std::vector<AddedToken> added;
  std::string pad_token = "<|endoftext|>";
};

/// From tokenizer.json. The text's normaliser and pre-tokeniser must be Qwen2's (or absent).
Result<TokenizerParts> parse_tokenizer_json(std::string_view text);

/// From vocab.json and merges.txt, the older pair of files.
Result<TokenizerParts> parse_vocab_and_merges(std::string_view vocab, std::string_view merges);

/// Adds what tokenizer_config.json says: the padding token, and added tokens not known yet.
Result<> apply_tokenizer_config(std::string_view text, TokenizerParts& parts);

}  // namespace imagined::engine

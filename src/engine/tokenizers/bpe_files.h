// What a tokenizer's files say, checked: the parts that a Tokenizer is made of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/tokenizers/added_tokens.h"
#include "engine/tokenizers/bpe.h"
#include "engine/tokenizers/json_file.h"

namespace imagined::engine {

/// What surrounds the BPE; a file that says otherwise is refused.
enum class BpeKind : std::uint8_t {
  qwen2,   // NFC, kQwen2Pattern, nothing around a text
  tekken,  // kTekkenPattern, nothing around a text that a template has not written
  clip,    // NFC, one space for white space, lower case, kClipPattern, </w> at the end of each word
};

struct TokenizerParts {
  Bpe bpe;
  std::vector<AddedToken> added;
  Frame frame;  // what tokenizer.json puts around every text; CLIP only
  std::string pad_token = "<|endoftext|>";
  std::string bos_token = "<|startoftext|>";  // this and the following are used by CLIP only
  std::string eos_token = "<|endoftext|>";
  std::string unk_token = "<|endoftext|>";
  Sides sides;
};

/// From tokenizer.json. Its normaliser and pre-tokeniser must be the kind's (or absent).
Result<TokenizerParts> parse_tokenizer_json(std::string_view text, BpeKind kind);

/// From vocab.json and merges.txt, the older pair of files.
Result<TokenizerParts> parse_vocab_and_merges(std::string_view vocab, std::string_view merges,
                                              BpeKind kind);

/// Adds what tokenizer_config.json says: the special tokens' texts, and added tokens not known yet.
Result<> apply_tokenizer_config(std::string_view text, TokenizerParts& parts);

/// Reads them from a folder: tokenizer.json, or vocab.json and merges.txt where it is missing;
/// tokenizer_config.json and added_tokens.json where present.
Result<TokenizerParts> load_tokenizer_parts(const std::filesystem::path& folder, BpeKind kind);

}  // namespace imagined::engine

// What a T5 tokenizer's files say, checked: the parts that a T5Tokenizer is made of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/tokenizers/added_tokens.h"
#include "engine/tokenizers/charsmap.h"
#include "engine/tokenizers/json_file.h"
#include "engine/tokenizers/unigram.h"

namespace imagined::engine {

/// What a space becomes, and what a word begins with: U+2581.
inline constexpr std::string_view kWordMark = "\xe2\x96\x81";

inline constexpr std::string_view kSentencePieceFile = "spiece.model";

/// One step of the normalisation of a text.
struct NormalizerStep {
  enum class Kind : std::uint8_t {
    charsmap,         // replaces characters by T5Parts::charsmap
    strip,            // takes white space off the ends
    strip_spaces,     // the same, but U+0020 alone
    collapse_spaces,  // two or more spaces become `content`
  };
  Kind kind = Kind::charsmap;
  bool left = false;    // both strips: the beginning
  bool right = false;   // and the end
  std::string content;  // collapse_spaces
};

/// Which words get a mark put before them that have none.
enum class PrependScheme : std::uint8_t {
  always,  // each piece of text between added tokens
  first,   // only the text's beginning
  never,
};

struct T5Parts {
  std::string_view file;             // where the pieces are from,
  std::string_view pieces_key;       // and their name in it, for messages
  std::vector<UnigramPiece> pieces;  // by id
  std::int32_t unknown_id = 0;
  Charsmap charsmap;
  std::vector<NormalizerStep> steps;
  bool splits_white_space = false;  // words are cut at white space before they are marked
  PrependScheme prepend = PrependScheme::always;
  bool splits_at_marks = true;  // each marked word is cut alone
  std::vector<AddedToken> added;
  std::int64_t extra_count = 100;  // of <extra_id_N>, which a SentencePiece file does not hold
  std::string pad_token = "<pad>";
  std::string eos_token = "</s>";
  Sides sides;
};

/// From tokenizer.json, as transformers 4 and 5 write it (model Unigram, normaliser Precompiled,
/// pre-tokeniser Metaspace). Errors name the key.
Result<T5Parts> parse_t5_json(std::string_view text);

/// From spiece.model, a SentencePiece model file (a protobuf message).
Result<T5Parts> parse_sentencepiece(std::string_view bytes);

/// Adds what tokenizer_config.json says: the special tokens' texts, and added tokens not known yet.
Result<> apply_t5_config(std::string_view text, T5Parts& parts);

/// Reads them from a folder: tokenizer.json, or spiece.model where it is missing;
/// tokenizer_config.json where present.
Result<T5Parts> load_t5_parts(const std::filesystem::path& folder);

}  // namespace imagined::engine

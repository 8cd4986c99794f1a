// SentencePiece's precompiled map of characters: the normalisation that a T5 tokenizer brings
// along.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace imagined::engine {

/// Replaces byte sequences by others, the longest first. Immutable once read.
///
/// The file's form: a u32 with the size in bytes of a Darts double array (u32 units, little
/// endian), the array, then the replacements, each ended by a NUL. A key's value is the place of
/// its replacement. T5's map (nmt_nfkc) has 44,288 units, 224,711 keys of at most 10 bytes and
/// 60,383 bytes of replacements of at most 32. Source: SentencePiece, normalizer.cc; Darts-clone,
/// darts.h (the units' bits).
class Charsmap {
 public:
  /// bytes: as above. Errors: `data_loss`, saying what is wrong with it.
  static Result<Charsmap> parse(std::string_view bytes);

  /// The text with the longest key at each place replaced, from left to right; characters without
  /// a key stay. `text` must be valid UTF-8, and so is the result. Linear in the length.
  std::string normalize(std::string_view text) const;

 private:
  struct Match {
    std::size_t size_bytes = 0;    // of the key; 0 for none
    std::string_view replacement;  // into replacements_
  };
  Match longest_at(std::string_view text) const;
  /// The replacement that a unit is the value of, or none where it is no value.
  std::optional<std::string_view> value_of(std::size_t unit) const;

  std::vector<std::uint32_t> units_;
  std::string replacements_;
};

}  // namespace imagined::engine

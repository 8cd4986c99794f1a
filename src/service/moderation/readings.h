// A text as its readers may read it: words out of letters, whatever stands between and inside them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace imagined::service {

/// Letters in a row that may mean the same ("ll", "l1"), as they are written; a space between words
/// is a run of its own.
struct LetterRun {
  char32_t family = U' ';
  std::u32string letters = U" ";
  bool begins_word = false;  // as written: words that are joined here keep their ends
  bool ends_word = false;

  bool operator==(const LetterRun&) const = default;
};
using LetterRuns = std::vector<LetterRun>;

/// One reading of plain text: words with single spaces between. Letters that stand alone
/// ("n o p e"), and words with one sign between them ("no-pe"), are read as one word.
LetterRuns read_letters(std::string_view text);

/// All ways to read a text: as it stands, as what it hides in tag characters, as what its words are
/// the base64 of; each of them backwards, too.
/// `invalid_argument`, field "prompt", when its letters stand for more than kLettersMax: such a
/// text is made to cost time.
inline constexpr std::size_t kLettersMax = 65'536;
struct Readings {
  std::vector<LetterRuns> forwards;
  std::vector<LetterRuns> backwards;
  bool shown_backwards = false;  // U+202E makes a reader see it so
};
Result<Readings> all_readings(std::string_view text);

}  // namespace imagined::service

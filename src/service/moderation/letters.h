// Which letter a character stands for in the eyes of a reader: the ground on which words are found
// however they are spelled.
#pragma once

#include <string>
#include <string_view>

namespace imagined::service {

/// What a character is to a reader, appended: in lower case, without its accents, in its plain form
/// (NFKD with case folding), a look-alike of an ASCII letter as that letter. Nothing for what has
/// no ink. A mark that is no accent of an ASCII letter stays: other scripts spell with them.
void append_letters(char32_t character, std::u32string& letters);

/// Letters, digits and marks of any script, and the signs that people write for letters.
bool is_of_a_word(char32_t letter);

/// Whether it is a digit or sign that is also written for a letter: the 0 of "b0at".
bool is_stand_in(char32_t letter);

/// Whether who reads `written` may mean `letter`: itself, or what it stands in for.
bool may_mean(char32_t written, char32_t letter);

/// One of all that may mean the same: equal when `may_mean(a, b)`, and sometimes when not.
char32_t family_of(char32_t letter);

}  // namespace imagined::service

#include "engine/tokenizers/pre_tokenizer.h"

#include <cstdint>

#include "engine/tokenizers/unicode.h"

namespace imagined::engine {
namespace {

// A place in the text. Reading at the end gives size 0, which belongs to no class.
struct Cursor {
  std::string_view text;
  std::size_t at = 0;

  bool at_end() const { return at >= text.size(); }
  CodePoint peek() const { return at_end() ? CodePoint{0, 0} : first_code_point(text.substr(at)); }
  bool is(CharClass wanted) const { return !at_end() && class_of(peek().value) == wanted; }
  bool is_newline() const { return !at_end() && (text[at] == '\r' || text[at] == '\n'); }
  void step() { at += peek().size_bytes; }
  void skip(CharClass wanted) {
    while (is(wanted)) step();
  }
};

enum class Case : std::uint8_t { exact, ignored };

/// 's|'t|'re|'ve|'m|'ll|'d: bytes matched, 0 for none. Ignoring case, U+017F is an s.
std::size_t contraction(std::string_view text, Case letters) {
  if (text.size() < 2 || text[0] != '\'') return 0;
  if (letters == Case::ignored && text.substr(1).starts_with("\xc5\xbf")) return 3;
  const auto lower = [&](std::size_t i) {
    const char c = i < text.size() ? text[i] : '\0';
    return letters == Case::ignored && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const char first = lower(1);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  const char second = lower(2);
  const bool two = (first == 'r' && second == 'e') || (first == 'v' && second == 'e') ||
                   (first == 'l' && second == 'l');
  return two ? 3 : 0;
}

/// The three alternatives for whitespace: \s*[\r\n]+ | \s+(?!\S) | \s+
std::size_t white_space_end(Cursor cursor) {
  const std::size_t begin = cursor.at;
  std::size_t after_newline = begin;  // behind the last newline of the run
  std::size_t last = begin;           // where the run's last character begins
  while (cursor.is(CharClass::space)) {
    last = cursor.at;
    const bool newline = cursor.is_newline();
    cursor.step();
    if (newline) after_newline = cursor.at;
  }
  if (after_newline > begin) return after_newline;
  // Before a word the run leaves its last character to it, unless that is all there is.
  return cursor.at_end() || last == begin ? cursor.at : last;
}

std::size_t word_end(std::string_view text, std::size_t begin) {
  Cursor cursor{text, begin};
  if (const std::size_t size_bytes = contraction(text.substr(begin), Case::ignored); size_bytes > 0)
    return begin + size_bytes;
  // [^\r\n\p{L}\p{N}]?\p{L}+
  Cursor letters = cursor;
  if (!letters.is(CharClass::letter) && !letters.is(CharClass::number) && !letters.is_newline())
    letters.step();
  if (letters.is(CharClass::letter)) {
    letters.skip(CharClass::letter);
    return letters.at;
  }
  // \p{N}
  if (cursor.is(CharClass::number)) {
    cursor.step();
    return cursor.at;
  }
  //  ?[^\s\p{L}\p{N}]+[\r\n]*
  Cursor symbols = cursor;
  if (text[begin] == ' ') symbols.step();
  if (symbols.is(CharClass::other)) {
    symbols.skip(CharClass::other);
    while (symbols.is_newline()) symbols.step();
    return symbols.at;
  }
  return white_space_end(cursor);
}

/// The two alternatives for letters, U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}] and
/// L = [\p{Ll}\p{Lm}\p{Lo}\p{M}]:  p? U* L+ | p? U+ L*,  p = [^\r\n\p{L}\p{N}]. Bytes matched, 0
/// for none. What is in both classes may end the first run and begin the second.
std::size_t tekken_letters(std::string_view text) {
  struct Runs {
    std::size_t upper_end = 0;     // of the longest U*
    std::size_t last_of_both = 0;  // where the last character of U* that is in L begins
    bool has_both = false;
    std::size_t lower_end = 0;  // of the longest L* behind U*
  };
  const auto runs_from = [&](std::size_t begin) {
    Runs runs;
    Cursor cursor{text, begin};
    while (!cursor.at_end()) {
      const LetterCase letter = letter_case_of(cursor.peek().value);
      if (letter != LetterCase::upper && letter != LetterCase::both) break;
      if (letter == LetterCase::both) {
        runs.has_both = true;
        runs.last_of_both = cursor.at;
      }
      cursor.step();
    }
    runs.upper_end = cursor.at;
    while (!cursor.at_end()) {
      const LetterCase letter = letter_case_of(cursor.peek().value);
      if (letter != LetterCase::lower && letter != LetterCase::both) break;
      cursor.step();
    }
    runs.lower_end = cursor.at;
    return runs;
  };
  /// p? U* L+: L+ takes what U* leaves, or the last character of U* that both may have and what
  /// follows it.
  const auto first_alternative = [&](std::size_t begin) -> std::size_t {
    const Runs runs = runs_from(begin);
    if (runs.lower_end > runs.upper_end) return runs.lower_end;
    if (!runs.has_both) return 0;
    // From the last of both on U* gives back; L+ then goes on over what is in L.
    Cursor cursor{text, runs.last_of_both};
    while (!cursor.at_end()) {
      const LetterCase letter = letter_case_of(cursor.peek().value);
      if (letter != LetterCase::lower && letter != LetterCase::both) break;
      cursor.step();
    }
    return cursor.at;
  };
  const auto second_alternative = [&](std::size_t begin) -> std::size_t {
    const Runs runs = runs_from(begin);
    return runs.upper_end > begin ? runs.lower_end : 0;
  };
  const Cursor start{text};
  const bool takes_before =
      !start.is(CharClass::letter) && !start.is(CharClass::number) && !start.is_newline();
  const std::size_t before = takes_before ? start.peek().size_bytes : 0;
  // The optional character is taken if that can match, before it is left out.
  const auto either = [&](const auto& alternative) -> std::size_t {
    const std::size_t end = takes_before ? alternative(before) : 0;
    return end > 0 ? end : alternative(0);
  };
  const std::size_t end = either(first_alternative);
  return end > 0 ? end : either(second_alternative);
}

std::size_t tekken_word_bytes(std::string_view text) {
  if (const std::size_t letters = tekken_letters(text); letters > 0) return letters;
  Cursor cursor{text};
  if (cursor.is(CharClass::number)) return cursor.peek().size_bytes;
  //  ?[^\s\p{L}\p{N}]+[\r\n/]*
  Cursor symbols = cursor;
  if (text.front() == ' ') symbols.step();
  if (symbols.is(CharClass::other)) {
    symbols.skip(CharClass::other);
    while (symbols.is_newline() || (!symbols.at_end() && text[symbols.at] == '/')) symbols.step();
    return symbols.at;
  }
  return white_space_end(cursor);
}

}  // namespace

std::vector<std::string_view> split_tekken_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const std::size_t size_bytes = tekken_word_bytes(text);
    words.push_back(text.substr(0, size_bytes));
    text.remove_prefix(size_bytes);
  }
  return words;
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = word_end(text, begin);
    words.push_back(text.substr(begin, end - begin));
    begin = end;
  }
  return words;
}

std::vector<std::string_view> split_clip_words(std::string_view text) {
  std::vector<std::string_view> words;
  Cursor cursor{text};
  const auto take = [&](std::size_t size_bytes) {
    words.push_back(text.substr(cursor.at, size_bytes));
    cursor.at += size_bytes;
  };
  while (!cursor.at_end()) {
    const std::string_view rest = text.substr(cursor.at);
    const std::size_t mark = rest.starts_with("<|startoftext|>") ? 11
                             : rest.starts_with("<|endoftext|>") ? 9
                                                                 : 0;
    if (mark > 0) {
      take(2);
      take(mark);
      take(2);
      continue;
    }
    if (const std::size_t size_bytes = contraction(rest, Case::exact); size_bytes > 0) {
      take(size_bytes);
      continue;
    }
    const CodePoint first = cursor.peek();
    Cursor end{text, cursor.at + first.size_bytes};
    const CharClass kind = class_of(first.value);
    if (kind == CharClass::letter || kind == CharClass::other) end.skip(kind);
    if (kind == CharClass::space)
      cursor = end;
    else
      take(end.at - cursor.at);
  }
  return words;
}

}  // namespace imagined::engine

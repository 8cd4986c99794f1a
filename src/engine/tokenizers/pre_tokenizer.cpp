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

}  // namespace

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

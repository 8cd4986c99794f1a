#include "engine/tokenizers/jinja_tokens.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

#include "base/utf8.h"
#include "engine/tokenizers/jinja_syntax.h"

namespace imagined::engine::jinja {
namespace {

bool is_name_byte(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || (c & 0x80) != 0;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Lexer {
 public:
  explicit Lexer(std::string_view text) {
    // As Python reads a text file; and one newline at the end does not count.
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\r') text_ += text[i];
      if (text[i] == '\r' && !(i + 1 < text.size() && text[i + 1] == '\n')) text_ += '\n';
    }
    if (text_.ends_with('\n')) text_.pop_back();
    rest_ = text_;
  }

  Result<std::vector<Token>> run() {
    while (!rest_.empty()) {
      std::size_t begin = 0;
      const char mark = find_tag(begin);
      std::string_view before = rest_.substr(0, begin);
      const char sign = begin + 2 < rest_.size() ? rest_[begin + 2] : '\0';
      if (sign == '-')
        before = before.substr(0, before.find_last_not_of(kBlanks) + 1);
      else if (mark != '{' && mark != '\0' && sign != '+')
        before = without_indent(before);
      if (!before.empty()) add(Token::Kind::text, std::string(before));
      advance(begin);
      if (mark == '\0') break;
      advance(sign == '-' || sign == '+' ? 3 : 2);
      if (mark == '#')
        TRY(skip_comment());
      else
        TRY(read_tag(mark == '{'));
    }
    add(Token::Kind::end, {});
    return std::move(tokens_);
  }

 private:
  /// Where the next tag begins, and what follows its brace; '\0' when there is none.
  char find_tag(std::size_t& at) const {
    for (at = 0; at + 1 < rest_.size(); ++at)
      if (rest_[at] == '{' &&
          (rest_[at + 1] == '{' || rest_[at + 1] == '%' || rest_[at + 1] == '#'))
        return rest_[at + 1];
    at = rest_.size();
    return '\0';
  }

  /// Without the blanks on the tag's own line before it, when there is nothing else.
  std::string_view without_indent(std::string_view before) const {
    const std::size_t newline = before.rfind('\n');
    if (newline == std::string_view::npos && !at_line_start_) return before;
    const std::size_t line = newline == std::string_view::npos ? 0 : newline + 1;
    const bool blank = before.find_first_not_of(" \t", line) == std::string_view::npos;
    return blank ? before.substr(0, line) : before;
  }

  void add(Token::Kind kind, std::string text) {
    tokens_.push_back({.kind = kind, .line = line_, .text = std::move(text)});
  }

  void advance(std::size_t count) {
    const std::string_view taken = rest_.substr(0, count);
    line_ += static_cast<int>(std::count(taken.begin(), taken.end(), '\n'));
    if (!taken.empty()) at_line_start_ = taken.back() == '\n';
    rest_.remove_prefix(taken.size());
  }

  void skip_blanks() { advance(std::min(rest_.find_first_not_of(kBlanks), rest_.size())); }

  /// Behind the end of a tag.
  void after_tag(bool strips, bool is_output) {
    at_line_start_ = false;
    if (strips)
      skip_blanks();
    else if (!is_output && rest_.starts_with('\n'))
      advance(1);
  }

  Result<> skip_comment() {
    const std::size_t end = rest_.find("#}");
    if (end == std::string_view::npos)
      return refuse(line_, "a comment has no end", ErrorCode::invalid_argument);
    const bool strips = end > 0 && rest_[end - 1] == '-';
    advance(end + 2);
    after_tag(strips, false);
    return {};
  }

  Result<> read_tag(bool is_output) {
    const std::string_view close = is_output ? "}}" : "%}";
    add(is_output ? Token::Kind::output_begin : Token::Kind::tag_begin, {});
    std::string brackets;  // that are open: "}}" may close two of them
    while (true) {
      skip_blanks();
      if (rest_.empty()) return refuse(line_, "a tag has no end", ErrorCode::invalid_argument);
      const bool strips = rest_[0] == '-' && rest_.substr(1).starts_with(close);
      if (brackets.empty() && (strips || rest_.starts_with(close))) {
        add(is_output ? Token::Kind::output_end : Token::Kind::tag_end, {});
        advance(strips ? 3 : 2);
        after_tag(strips, is_output);
        return {};
      }
      TRY(read_token(brackets));
    }
  }

  Result<> read_token(std::string& brackets) {
    const char first = rest_[0];
    if (first == '\'' || first == '"') return read_string(first);
    if (is_digit(first)) {
      const auto count = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
      const std::string_view after = rest_.substr(count, 2);
      if (!after.empty() &&
          (is_name_byte(after[0]) || (after.size() == 2 && after[0] == '.' && is_digit(after[1]))))
        return refuse(line_, "only whole numbers are known here");
      return take(Token::Kind::number, count);
    }
    if (is_name_byte(first)) {
      const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_name_byte);
      return take(Token::Kind::name, static_cast<std::size_t>(end - rest_.begin()));
    }
    constexpr std::array<std::string_view, 6> kPairs = {"==", "!=", "<=", ">=", "//", "**"};
    for (const std::string_view pair : kPairs)
      if (rest_.starts_with(pair)) return take(Token::Kind::sign, 2);
    constexpr std::string_view kOpen = "([{";
    constexpr std::string_view kClose = ")]}";
    if (kOpen.find(first) != std::string_view::npos) brackets += first;
    if (const std::size_t at = kClose.find(first); at != std::string_view::npos) {
      if (brackets.empty() || brackets.back() != kOpen[at])
        return refuse(line_, "brackets do not match", ErrorCode::invalid_argument);
      brackets.pop_back();
    }
    constexpr std::string_view kSigns = "+-*/%~<>=()[]{}.,:|";
    if (kSigns.find(first) == std::string_view::npos)
      return refuse(line_, "a character that no expression has", ErrorCode::invalid_argument);
    return take(Token::Kind::sign, 1);
  }

  Result<> take(Token::Kind kind, std::size_t count) {
    add(kind, std::string(rest_.substr(0, count)));
    advance(count);
    return {};
  }

  Result<> read_string(char quote) {
    std::string value;
    std::size_t at = 1;
    for (; at < rest_.size() && rest_[at] != quote; ++at) {
      if (rest_[at] != '\\') {
        value += rest_[at];
        continue;
      }
      if (++at == rest_.size()) break;
      TRY(read_escape(at, value));
    }
    if (at >= rest_.size())
      return refuse(line_, "a string has no end", ErrorCode::invalid_argument);
    add(Token::Kind::string, std::move(value));
    advance(at + 1);
    return {};
  }

  /// As in Python's strings; `at` is behind the backslash and stays on the escape's last byte.
  Result<> read_escape(std::size_t& at, std::string& value) const {
    constexpr std::string_view kLetters = "ntr\\'\"bfav0";
    constexpr std::string_view kValues("\n\t\r\\'\"\b\f\a\v\0", 11);
    const char letter = rest_[at];
    if (letter == '\n') return {};
    const std::size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    if (digits > 0) {
      std::uint32_t code = 0;
      const std::string_view hex = rest_.substr(at + 1, digits);
      const auto [end, error] = std::from_chars(hex.data(), hex.data() + hex.size(), code, 16);
      const bool is_code = code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
      if (hex.size() != digits || error != std::errc() || end != hex.data() + digits || !is_code)
        return refuse(line_, "an escape that is no character", ErrorCode::invalid_argument);
      append_utf8(code, value);
      at += digits;
    } else if (const std::size_t known = kLetters.find(letter); known != std::string_view::npos) {
      value += kValues[known];
    } else {
      value += '\\';
      value += letter;
    }
    return {};
  }

  std::string text_;
  std::string_view rest_;
  int line_ = 1;
  bool at_line_start_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

Result<std::vector<Token>> tokens_of(std::string_view text) { return Lexer(text).run(); }

}  // namespace imagined::engine::jinja

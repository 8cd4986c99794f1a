#include "api/wire/long_strings.h"

#include <fmt/core.h>

#include <algorithm>

namespace imagined::api::wire {
namespace {

constexpr std::size_t kPieceBytes = 64 * 1024;

// Four for a digit of a code unit; anything else ends the string's chance of being a picture.
std::uint32_t hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<std::uint32_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint32_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint32_t>(c - 'A' + 10);
  return 0xFFFF;
}

}  // namespace

Result<void> LongStrings::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    // Whole runs at once: of text between strings, and of a string without escapes.
    const char* const stops = at_ == At::outside ? "\"" : "\"\\";
    const bool in_run = at_ == At::outside || at_ == At::string;
    const std::size_t run = in_run ? std::min(bytes.find_first_of(stops), bytes.size()) : 0;
    (is_long_ ? piece_ : text_).append(bytes.substr(0, run));
    bytes.remove_prefix(run);
    if (at_ != At::outside && !is_long_ && text_.size() - string_begin_ > kLongBytes)
      TRY(begin_long());
    if (piece_.size() >= kPieceBytes) {
      TRY(sink_.string_text(piece_));
      piece_.clear();
    }
    if (text_.size() > kTextBytesMax)
      return fail(
          ErrorCode::payload_too_large,
          fmt::format("the body has more than {} bytes beside its pictures", kTextBytesMax));
    if (bytes.empty()) break;
    if (at_ == At::outside) {
      text_ += '"';
      string_begin_ = text_.size();
      at_ = At::string;
    } else {
      TRY(feed_string(bytes.front()));
    }
    bytes.remove_prefix(1);
  }
  return {};
}

// A quote or a backslash, or what belongs to an escape.
Result<void> LongStrings::feed_string(char c) {
  if (at_ == At::string && c == '"') return end_string();
  if (is_long_)
    unescape(c);
  else
    text_ += c;
  if (at_ == At::string)
    at_ = At::escape;
  else if (at_ == At::escape && c == 'u' && is_long_)
    at_ = At::code_unit;
  else if (at_ == At::escape || unit_digits_ == 4)
    at_ = At::string;
  return {};
}

Result<void> LongStrings::begin_long() {
  const std::string begun = text_.substr(string_begin_);
  text_.resize(string_begin_);
  TRY(sink_.begin_string());
  is_long_ = true;
  at_ = At::string;
  return feed(begun);  // once more, now as a piece: its escapes are still there
}

// What an escape stands for. Base64 needs `\/` (PHP) and `\u002B` (.NET); everything beyond ASCII
// becomes a NUL, which no picture's text holds.
void LongStrings::unescape(char c) {
  if (at_ == At::string) {  // the backslash itself
    unit_digits_ = 0;
    unit_ = 0;
  } else if (at_ == At::code_unit) {
    unit_ = unit_ << 4 | hex_digit(c);
    if (++unit_digits_ == 4) piece_ += unit_ < 0x80 ? static_cast<char>(unit_) : '\0';
  } else if (c == 'n' || c == 'r' || c == 't') {
    piece_ += '\n';
  } else if (c != 'u') {
    piece_ += c == '/' || c == '"' || c == '\\' ? c : '\0';
  }
}

Result<void> LongStrings::end_string() {
  if (is_long_) {
    if (!piece_.empty()) TRY(sink_.string_text(piece_));
    piece_.clear();
    text_ += TRY(sink_.end_string());
    is_long_ = false;
  }
  text_ += '"';
  at_ = At::outside;
  return {};
}

}  // namespace imagined::api::wire

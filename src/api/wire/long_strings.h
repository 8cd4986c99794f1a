// JSON bodies that hold pictures as base64, read as they arrive: strings that are too long to be
// anything else are taken out on the way, so that the text that is left is small.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined::api::wire {

/// Where the long strings go: begin, pieces without escapes, end.
class LongStringSink {
 public:
  virtual ~LongStringSink() = default;
  virtual Result<void> begin_string() = 0;
  virtual Result<void> string_text(std::string_view text) = 0;
  /// What stands in the text in the string's place; no quotes, no backslashes.
  virtual Result<std::string> end_string() = 0;
};

/// Copies a JSON text but for its long strings. Whether it is JSON at all is for its parser to say:
/// a text that is broken stays broken.
class LongStrings {
 public:
  static constexpr std::size_t kLongBytes = 128 * 1024;      // no prompt is so long, escaped or not
  static constexpr std::size_t kTextBytesMax = 2048 * 1024;  // of what is left

  /// `sink` must outlive it.
  explicit LongStrings(LongStringSink& sink) : sink_(sink) {}

  /// `payload_too_large` when what is left is too long; the sink's errors.
  Result<void> feed(std::string_view bytes);
  /// What has come so far, without the long strings.
  const std::string& text() const { return text_; }

 private:
  enum class At : std::uint8_t { outside, string, escape, code_unit };

  Result<void> feed_string(char c);
  Result<void> begin_long();
  void unescape(char c);
  Result<void> end_string();

  LongStringSink& sink_;
  std::string text_;
  std::size_t string_begin_ = 0;  // in text_, behind the quote
  At at_ = At::outside;
  bool is_long_ = false;
  std::string piece_;  // of a long string
  int unit_digits_ = 0;
  std::uint32_t unit_ = 0;
};

}  // namespace imagined::api::wire

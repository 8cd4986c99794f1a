#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace imagined::service {

/// The words of a request, checked once and never again: well-formed UTF-8 that has something to
/// see in it, no control characters but tab and line ends, and not too long. Kept byte for byte.
class Prompt {
 public:
  /// Field of every error is "prompt", code `invalid_argument`. The length is looked at before
  /// anything else, so a text of any size costs little.
  static Result<Prompt> parse(std::string_view text, int max_code_points);

  /// A text that was a prompt once: from a store, which checks that it is whole, not what it says.
  /// The rules of another version of this program may have been others.
  static Prompt trusted(std::string text) { return Prompt(std::move(text)); }

  const std::string& text() const { return text_; }
  bool operator==(const Prompt&) const = default;

 private:
  explicit Prompt(std::string text) : text_(std::move(text)) {}

  std::string text_;
};

}  // namespace imagined::service

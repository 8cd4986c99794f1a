// JSON from files and strangers: parsed whole, with limits, before anything looks at it.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace imagined {

struct JsonLimits {
  std::size_t depth_max = 16;
  std::size_t fields_max = static_cast<std::size_t>(-1);        // of one object
  std::size_t number_bytes_max = static_cast<std::size_t>(-1);  // of one fraction's text
};

/// Why a text was not taken.
struct JsonFault {
  std::string what;       // "the text breaks at byte 7"
  std::string field;      // the member of the whole object in whose value it lies; empty: in none
  bool is_limit = false;  // it is JSON as far as it was read, and more of it than is taken
};

/// Any value of JSON. Refused: broken or cut text, bytes after it, text that is no UTF-8, half
/// surrogates, a name given twice in one object, numbers beyond every double, and what is above the
/// limits. The parser stops at the first of these, so that no text costs more than its limits.
tl::expected<nlohmann::json, JsonFault> parse_json(std::string_view text, const JsonLimits& limits);

/// A value as it may stand in a message: compact, in ASCII, cut after some 60 letters.
std::string shown(const nlohmann::json& value);

}  // namespace imagined

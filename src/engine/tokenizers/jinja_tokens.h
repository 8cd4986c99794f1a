// The words of a Jinja template.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace imagined::engine::jinja {

struct Token {
  enum class Kind : std::uint8_t {
    text,          // outside of tags
    output_begin,  // {{
    output_end,    // }}
    tag_begin,     // {%
    tag_end,       // %}
    name,
    string,
    number,
    sign,  // an operator or a bracket
    end,
  };
  Kind kind = Kind::end;
  int line = 0;
  std::string text;
};

/// The last one is the end. Errors as `parse`.
Result<std::vector<Token>> tokens_of(std::string_view text);

}  // namespace imagined::engine::jinja

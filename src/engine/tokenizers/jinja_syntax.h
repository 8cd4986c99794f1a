// The syntax of Jinja, as far as chat templates use it: a text becomes statements and expressions.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace imagined::engine::jinja {

/// Far above published templates (Qwen3's: 4 KB; the longest seen: 18 KB).
inline constexpr std::size_t kMaxTemplateBytes = 256 << 10;
/// What is blank to Python.
inline constexpr std::string_view kBlanks = " \t\n\r\f\v";

struct Expression {
  enum class Kind : std::uint8_t {
    literal,    // value
    name,       // text
    list,       // parts
    dict,       // parts: key, value, key, value, ...
    attribute,  // parts[0] . text
    item,       // parts[0] [ parts[1] ]
    slice,      // parts[0] [ parts[1] : parts[2] : parts[3] ], each may be absent
    call,       // parts[0] ( the others, named )
    filter,     // parts[0] | text ( the others, named )
    test,       // parts[0] is text ( the others )
    unary,      // text parts[0]
    binary,     // parts[0] text parts[1]
    choice,     // parts[1] if parts[0] else parts[2], which may be absent
    absent,
  };
  Kind kind = Kind::absent;
  int line = 0;
  int height = 0;  // of the tree below
  std::string text;
  nlohmann::json value;
  std::vector<Expression> parts;
  std::vector<std::pair<std::string, Expression>> named;
};

struct Statement {
  enum class Kind : std::uint8_t {
    text,     // text, as it is
    output,   // the value of `expression`
    branch,   // `body` where `expression` is true, else `otherwise`
    loop,     // `body` for each of `expression`, as `names`; `otherwise` where there is none
    set,      // names[0], or its attribute names[1], becomes `expression`
    capture,  // names[0] becomes what `body` writes
    macro,    // names[0] is a function of `parameters` that returns what `body` writes
    leave,    // {% break %}
    next,     // {% continue %}
  };
  Kind kind = Kind::text;
  int line = 0;
  std::string text;
  std::vector<std::string> names;
  Expression expression;
  Expression filter;  // loop: only those for which it is true
  std::vector<std::pair<std::string, Expression>> parameters;  // with defaults, or absent
  std::vector<Statement> body;
  std::vector<Statement> otherwise;
};

/// Blanks around tags are dropped as in transformers' environment (trim_blocks, lstrip_blocks).
/// Errors, which name the line: `invalid_argument` for what is no template, `unimplemented` for
/// what is not known here.
Result<std::vector<Statement>> parse(std::string_view text);

/// "line N: WHAT"
tl::unexpected<Error> refuse(int line, std::string_view what,
                             ErrorCode code = ErrorCode::unimplemented);

}  // namespace imagined::engine::jinja

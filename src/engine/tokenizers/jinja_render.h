// What a chat template writes: the part of Jinja that such templates use, as transformers runs it.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined::engine::jinja {

/// A variable that strftime_now() gives, whatever it is asked for; without it that is not known.
inline constexpr const char* kDate = "strftime_now()";

/// The text that a template writes about `variables`, an object; what is not among them is
/// undefined. No template is trusted: what it may do and write is limited, and it reads nothing
/// else. Errors, which name the line: `invalid_argument` for what is no template, asks for what is
/// not there or works without end; `unimplemented` for what is not known here.
Result<std::string> render(std::string_view text, const nlohmann::json& variables);

}  // namespace imagined::engine::jinja

// Requests to /v1/responses for a server that has only /v1/chat/completions.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined::api::wire {

/// The body of a request to /v1/responses in the words of /v1/chat/completions: `instructions` and
/// the items of `input` as messages, functions, the form and the length of the answer. What is
/// kept of thoughts is left out; xAI's image tool and the pictures that it made stay as they are,
/// for ToolTalk to read; what is not known here goes on under its name. `invalid_argument` for what
/// completions have no words for (conversations that are kept, tools of the server that talks),
/// `unprocessable` for another type; both name the field.
Result<std::string> responses_as_chat(std::string_view body);

}  // namespace imagined::api::wire

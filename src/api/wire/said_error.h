// What other servers say of what went wrong, in the many forms in which they do.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace imagined::api::wire {

/// The sentence for people in an error of another server: `error.message`, `error`, `message` or
/// `detail`, also inside of the `response` of an event; one line, at most 400 bytes. Empty: it has
/// none.
std::string said_error(const nlohmann::json& value);
/// The same of a body, which may be anything.
std::string said_error_in(std::string_view body);

}  // namespace imagined::api::wire

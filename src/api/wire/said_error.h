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
/// The same of a body, which may be anything: of what is no JSON, as the page of a proxy, its title
/// or else its first line.
std::string said_error_in(std::string_view body);
/// Whether a body is a value of JSON at all, however large or deep.
bool is_json(std::string_view body);

}  // namespace imagined::api::wire

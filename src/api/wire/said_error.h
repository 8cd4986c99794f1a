// What other servers say of what went wrong, in the many forms in which they do.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined::api::wire {

/// The sentence for people in an error of another server: `error.message`, `error`, `message` or
/// `detail`, also inside of the `response` of an event; one line, at most 400 bytes. Empty: it has
/// none.
std::string said_error(const nlohmann::json& value);
/// The same of a body, which may be anything: of what is no JSON, as the page of a proxy, its title
/// or else its first line.
std::string said_error_in(std::string_view body);
/// What an answer tells in its `error`, though its status says that all is well: `unavailable`, in
/// the other server's words, and no use to ask again.
std::optional<Error> error_instead_of_answer(const nlohmann::json& answer);
/// The same of a body. A `response` that has failed is an answer: its clients look there.
std::optional<Error> error_instead_of_answer(std::string_view body);
/// Whether it is worth looking for one: of most bodies this says no, and takes no time.
bool may_tell_an_error(std::string_view body);
/// Whether a body is a value of JSON at all, however large or deep.
bool is_json(std::string_view body);

}  // namespace imagined::api::wire

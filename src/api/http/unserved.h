// Answers to paths that no route has: known ones by name, mistyped ones with the right address.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "api/http/router.h"
#include "base/result.h"

namespace imagined::api {

/// What is said of a path and method that the xAI or OpenAI APIs are known to have and this server
/// has not: what `unserved` says of them. Also where a route has the path for another method.
std::optional<Error> known_and_unserved(std::string_view method, std::string_view path);

/// `unimplemented` for a path of the xAI or OpenAI API that this server does not serve, saying
/// which it is; `not_found` for any other, which names the path that was meant when one of `routes`
/// (or a known one) has it: a missing or doubled `/v1`, a prefix, doubled slashes, capitals.
Error unserved(std::span<const Route> routes, std::string_view method, std::string_view path);

}  // namespace imagined::api

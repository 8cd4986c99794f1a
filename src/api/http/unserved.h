// Answers to paths that no route has: known ones by name, mistyped ones with the right address.
#pragma once

#include <span>
#include <string_view>

#include "api/http/router.h"
#include "base/result.h"

namespace imagined::api {

/// `unimplemented` for a path of the xAI or OpenAI API that this server does not serve, saying
/// which it is; `not_found` for any other, which names the path that was meant when one of `routes`
/// (or a known one) has it: a missing or doubled `/v1`, a prefix, doubled slashes, capitals.
Error unserved(std::span<const Route> routes, std::string_view method, std::string_view path);

}  // namespace imagined::api

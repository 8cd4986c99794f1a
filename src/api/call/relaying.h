// Bodies of requests to other servers, which cannot reach what is kept here.
#pragma once

#include <string>
#include <string_view>

#include "api/call/call.h"
#include "api/call/own_url.h"

namespace imagined::api {

/// Whether it may have some of our own pictures or files: most bodies do not.
bool may_have_own_pictures(std::string_view body);

/// The body with our own pictures and files in the place of their links and ids, as data URLs;
/// every other byte stays as it is. What another team's is not found, `not_found`. Blocks.
Result<std::string> with_own_pictures(const CallContext& context, const Call& call,
                                      std::string body, const OwnNames& names);

}  // namespace imagined::api

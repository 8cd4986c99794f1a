// The cookie by which a browser says who is signed in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/http/message.h"

namespace imagined::api {

inline constexpr std::string_view kSessionCookie = "imagined_session";
/// Says that a request with the cookie is the console's own; needed for all but GET and HEAD.
inline constexpr std::string_view kCsrfHeader = "x-csrf-token";

/// The token in the request's cookies; empty: none, or more than one, for then somebody else has
/// set one of them.
std::string_view session_token(const Headers& headers);

/// The value of Set-Cookie. No script can read it, no other site can send it; an empty token
/// removes it.
std::string session_cookie(std::string_view token, std::int64_t life_s, bool is_encrypted);

}  // namespace imagined::api

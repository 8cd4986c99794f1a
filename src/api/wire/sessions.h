// Signing in to the console (docs/console.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "service/accounts/api_key.h"
#include "service/accounts/sessions.h"

namespace imagined::api::wire {

/// `{"name", "password"}` of POST /auth/session.
struct SignIn {
  std::string name;
  std::string password;
};
Result<SignIn> parse_sign_in(std::string_view body);

/// `{"name", "password", "currentPassword"}` of PUT /auth/password.
Result<service::Sessions::PasswordWish> parse_password(std::string_view body);

/// Who is signed in, and until when.
struct SignedIn {
  const service::ApiKey& person;
  std::string csrf_token;
  std::int64_t ends_ms = 0;
  std::string management_key;  // where it was made just now; else empty
};
std::string session_body(const SignedIn& session);

}  // namespace imagined::api::wire

#include "api/wire/sessions.h"

#include <nlohmann/json.hpp>

#include "api/wire/json.h"
#include "base/json_text.h"
#include "base/timestamp.h"

namespace imagined::api::wire {
namespace {

Result<std::string> read_text(const nlohmann::json& object, std::string_view name) {
  return TRY(read_string(object, name, "a text")).value_or("");
}

}  // namespace

Result<SignIn> parse_sign_in(std::string_view body) {
  const auto object = TRY(parse_json_object(body));
  SignIn in;
  in.name = TRY(read_text(object, "name"));
  in.password = TRY(read_text(object, "password"));
  return in;
}

Result<service::Sessions::PasswordWish> parse_password(std::string_view body) {
  const auto object = TRY(parse_json_object(body));
  service::Sessions::PasswordWish wish;
  wish.name = TRY(read_text(object, "name"));
  wish.password = TRY(read_text(object, "password"));
  wish.current = TRY(read_text(object, "currentPassword"));
  return wish;
}

std::string session_body(const SignedIn& session) {
  const service::ApiKey& person = session.person;
  JsonText body = JsonText::object(
      {{"personId", person.id},
       {"name", person.name},
       {"teamId", person.team_id},
       {"role", person.role ? service::to_string(*person.role) : std::string_view()},
       {"csrfToken", session.csrf_token},
       {"expireTime", to_timestamp(session.ends_ms)}});
  if (!session.management_key.empty()) body.add("managementKey", session.management_key);
  return body.text();
}

}  // namespace imagined::api::wire

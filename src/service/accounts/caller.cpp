#include "service/accounts/caller.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/words.h"

namespace imagined::service {
namespace {

tl::unexpected<Error> not_allowed(std::string message) {
  return tl::unexpected<Error>(Error{.code = ErrorCode::unauthenticated,
                                     .message = std::move(message),
                                     .reason = ErrorReason::wrong_scope});
}

}  // namespace

Result<void> require(const Caller& caller, Scope scope) {
  if (caller.scopes.has(scope)) return {};
  return not_allowed(fmt::format(
      "This API key is not allowed to do this: it lacks the scope \"{}\".", to_string(scope)));
}

Result<void> require_model(const Caller& caller, std::string_view model) {
  if (caller.models.empty() || std::ranges::find(caller.models, model) != caller.models.end())
    return {};
  return not_allowed(
      fmt::format("This API key is not allowed to use the model \"{}\"; it may use {}.", model,
                  join_words(caller.models, ", ")));
}

Result<void> require(const Caller& caller, Role role) {
  if (caller.role && *caller.role >= role) return {};
  return not_allowed(fmt::format(
      "This API key is not allowed to do this: it is not the management key of {} {}{}.",
      role == Role::member ? "a" : "an", to_string(role), role == Role::owner ? "" : " or above"));
}

}  // namespace imagined::service

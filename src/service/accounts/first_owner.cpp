#include "service/accounts/first_owner.h"

#include <fmt/core.h>

#include "base/crypto.h"

namespace imagined::service {
namespace {

constexpr int kTokenLetters = 43;  // 256 bits

}  // namespace

Result<std::optional<std::string>> FirstOwner::offer() {
  if (TRY(keys_.has_owner())) return std::optional<std::string>();
  Offer offer{.token = fmt::format("claim_{}", random_base62(kTokenLetters)),
              .until_ms = clock_.monotonic_ms() + kTokenLifeMs};
  const std::lock_guard lock(mutex_);
  offer_ = std::move(offer);
  return std::optional(offer_->token);
}

bool FirstOwner::is_offered(std::string_view token) {
  const std::lock_guard lock(mutex_);
  return offer_ && clock_.monotonic_ms() < offer_->until_ms &&
         equal_constant_time(token, offer_->token);
}

Result<NewKey> FirstOwner::claim(std::string_view token, std::string_view name,
                                 std::string_view request_id) {
  if (TRY(keys_.has_owner()))
    return fail(ErrorCode::gone, "this server has an owner already; its first one was claimed");
  if (!is_offered(token))
    return tl::unexpected<Error>(
        Error{.code = ErrorCode::unauthenticated,
              .message = "This is not the token that the server printed, or it is too old: a "
                         "restart of the server prints a new one.",
              .reason = ErrorReason::bad_credentials});
  return keys_.create_first_owner({.name = "claim token", .request_id = std::string(request_id)},
                                  name);
}

}  // namespace imagined::service

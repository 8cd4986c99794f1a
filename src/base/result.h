// What a function returns when the world or the caller may be wrong (docs/ARCHITECTURE.md,
// Failure).
#pragma once

#include <cstdint>
#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace imagined {

/// Numbered like the gRPC status codes, so that gRPC needs a cast and HTTP one table
/// (api/wire/errors.cpp). Codes from 100 on refine `invalid_argument` for HTTP.
enum class ErrorCode : std::uint8_t {
  cancelled = 1,
  unknown = 2,
  invalid_argument = 3,
  deadline_exceeded = 4,
  not_found = 5,
  already_exists = 6,
  permission_denied = 7,
  resource_exhausted = 8,
  failed_precondition = 9,
  aborted = 10,
  out_of_range = 11,
  unimplemented = 12,
  internal = 13,
  unavailable = 14,
  data_loss = 15,
  unauthenticated = 16,
  unprocessable = 100,           // a field of the wrong type, or a word that is not on its list
  payload_too_large = 101,       // more bytes than a named limit
  unsupported_media_type = 102,  // a body whose content type this route does not read
  method_not_allowed = 103,
  storage_full = 104,  // no room to keep a result
  misdirected = 105,   // a request for another server
  gone = 106,          // it was there, and will not be again
};

/// Whether the same request may succeed when it is sent again.
enum class Retry : std::uint8_t {
  by_code,  // as api/wire/errors.cpp says for the code
  no,       // it would cost the same work and end the same way
  yes,
};

/// Tells apart errors of one code that clients must tell apart.
enum class ErrorReason : std::uint8_t {
  none,
  no_credentials,
  bad_credentials,
  wrong_scope,             // a good key that may not do this
  insufficient_quota,      // no money or no pictures left: waiting a minute does not help
  content_moderated,       // the policy of the server or the team does not allow what is asked for
  moderation_unavailable,  // nobody can say at the moment whether it does
};

struct Error {
  ErrorCode code = ErrorCode::unknown;
  std::string message;              // may be shown to the caller: no paths, no SQL, no keys
  std::string field;                // the request field at fault, empty when it is none
  std::string detail;               // for the log only
  std::int64_t retry_after_ms = 0;  // an honest estimate of when to come back; 0: none is known
  Retry retry = Retry::by_code;
  ErrorReason reason = ErrorReason::none;
};

template <class T = void>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
};

/// `return fail(ErrorCode::not_found, "...")` from any function that returns a Result.
[[nodiscard]] inline tl::unexpected<Error> fail(ErrorCode code, std::string message,
                                                std::string field = {}, std::string detail = {}) {
  return tl::unexpected<Error>(
      Error{code, std::move(message), std::move(field), std::move(detail)});
}

namespace internal {
template <class T>
T take(Result<T>&& result) {
  return std::move(*result);
}
inline void take(Result<void>&&) {}
}  // namespace internal

}  // namespace imagined

/// The value of a Result, or an early return of its error. Not in coroutines: a `co_return` inside
/// a statement expression crashes GCC 12. Nor inside a braced initialiser, `{.a = x, .b = TRY(y)}`:
/// GCC 12 forgets to destroy the members that were set before the early return.
#define TRY(expression)                                                        \
  __extension__({                                                              \
    auto try_result_ = (expression);                                           \
    if (!try_result_) return ::tl::unexpected(std::move(try_result_.error())); \
    ::imagined::internal::take(std::move(try_result_));                        \
  })

// The one table from error codes to what HTTP clients see.
#pragma once

#include <string>
#include <string_view>

#include "base/json_text.h"
#include "base/result.h"

namespace imagined::api::wire {

struct ErrorRow {
  ErrorCode code;
  int status;
  std::string_view slug;            // `code` of the body, as xAI spells it
  std::string_view type;            // `error.type` of the body, as OpenAI spells it
  Retry retry = Retry::by_code;     // by_code: what clients do by themselves is right
  std::int64_t retry_after_ms = 0;  // when the error brings no estimate of its own; 0: say nothing
};

const ErrorRow& error_row(ErrorCode code);

/// How an operator wants errors to look.
struct ErrorStyle {
  /// xAI's own body and statuses instead of those that every client shows (xai-api.md 3.2).
  bool strict_xai = false;
  int out_of_quota_status = 429;  // 402 and 403 too
};

int error_status(const Error& error, const ErrorStyle& style);

/// Seconds that every client waits: longer ones are ignored or end the call (clients-2026-11.md).
inline constexpr std::int64_t kRetryAfterMaxSeconds = 60;

/// What a client is told about trying again: `Retry-After` unless 0, `x-should-retry` unless
/// `by_code`.
struct RetryAdvice {
  std::int64_t after_s = 0;
  Retry retry = Retry::by_code;
};
RetryAdvice retry_advice(const Error& error);

/// `{"message", "type", "param", "code"}`: what every client shows of an error.
JsonText error_value(const Error& error);

/// `{"code", "error": {"message", "type", "param", "code"}, "request_id"}`: the one form that every
/// client shows (xai-api.md 3.3); strictly as xAI, `{"code", "error": "the message"}`; with `usage`
/// when moderation has refused something. `detail` is not in it; bytes that are no UTF-8 are
/// replaced.
std::string error_body(const Error& error, std::string_view request_id, const ErrorStyle& style,
                       std::int64_t charged_usd_ticks = 0);

/// The error of a field inside of an object: "filename ..." becomes "storage_options.filename ...".
Error within(std::string_view object, Error error);

/// The same for a message that is no proper request and so has no ErrorCode.
std::string refusal_body(int status, std::string_view message, std::string_view request_id,
                         const ErrorStyle& style);

/// The same for what another server has answered with this status.
std::string upstream_error_body(int status, std::string_view message, std::string_view request_id,
                                const ErrorStyle& style);

}  // namespace imagined::api::wire

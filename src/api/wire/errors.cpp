#include "api/wire/errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "base/json_text.h"

namespace imagined::api::wire {
namespace {

constexpr std::string_view kRequestError = "invalid_request_error";
constexpr std::string_view kServerError = "server_error";

// OpenAI's clients repeat 409, 429 and everything from 500 on unless they are told not to; where
// the repetition would cost the same work and end the same way, they are told.
constexpr std::array kRows = {
    // 499 is nginx's: nobody is there to read it, the log line is.
    ErrorRow{ErrorCode::cancelled, 499, "cancelled", kRequestError},
    ErrorRow{ErrorCode::unknown, 500, "internal", kServerError, Retry::no},
    ErrorRow{ErrorCode::invalid_argument, 400, "invalid-argument", kRequestError},
    ErrorRow{ErrorCode::deadline_exceeded, 504, "deadline-exceeded", kServerError, Retry::no},
    ErrorRow{ErrorCode::not_found, 404, "not-found", kRequestError},
    ErrorRow{ErrorCode::already_exists, 409, "already-exists", kRequestError, Retry::no},
    ErrorRow{ErrorCode::permission_denied, 403, "permission-denied", "permission_error"},
    ErrorRow{ErrorCode::resource_exhausted, 429, "resource-exhausted", "rate_limit_error",
             Retry::by_code, 2000},
    ErrorRow{ErrorCode::failed_precondition, 400, "failed-precondition", kRequestError},
    ErrorRow{ErrorCode::aborted, 409, "aborted", kServerError},
    ErrorRow{ErrorCode::out_of_range, 400, "out-of-range", kRequestError},
    ErrorRow{ErrorCode::unimplemented, 501, "unimplemented", kServerError, Retry::no},
    ErrorRow{ErrorCode::internal, 500, "internal", kServerError, Retry::no},
    ErrorRow{ErrorCode::unavailable, 503, "unavailable", kServerError, Retry::by_code, 2000},
    ErrorRow{ErrorCode::data_loss, 500, "data-loss", kServerError, Retry::no},
    ErrorRow{ErrorCode::unauthenticated, 401, "unauthenticated", "authentication_error"},
    ErrorRow{ErrorCode::unprocessable, 422, "invalid-argument", kRequestError},
    ErrorRow{ErrorCode::payload_too_large, 413, "payload-too-large", kRequestError},
    ErrorRow{ErrorCode::unsupported_media_type, 415, "unsupported-media-type", kRequestError},
    ErrorRow{ErrorCode::method_not_allowed, 405, "method-not-allowed", kRequestError},
    ErrorRow{ErrorCode::storage_full, 507, "storage-full", kServerError, Retry::no},
    ErrorRow{ErrorCode::misdirected, 421, "misdirected-request", kRequestError},
    ErrorRow{ErrorCode::gone, 410, "gone", kRequestError},
};

// The slug of a reason stands in the place of its code's.
std::string_view slug_of(const Error& error) {
  switch (error.reason) {
    case ErrorReason::no_credentials:
      return "unauthenticated:no-credentials";
    case ErrorReason::bad_credentials:
      return "unauthenticated:bad-credentials";
    case ErrorReason::wrong_scope:
      return "unauthenticated:wrong-scope";
    case ErrorReason::insufficient_quota:
      return "insufficient_quota";  // OpenAI's word, which clients look for
    case ErrorReason::content_moderated:
      return "imagine:content-moderated";
    case ErrorReason::moderation_unavailable:
      return "moderation_unavailable";
    case ErrorReason::none:
      break;
  }
  return error_row(error.code).slug;
}

std::string_view type_of(const Error& error) {
  if (error.reason == ErrorReason::insufficient_quota) return slug_of(error);  // as OpenAI does
  return error_row(error.code).type;
}

// Of what moderation refused xAI and OpenAI have each a word that their clients look for.
std::string_view inner_slug_of(const Error& error) {
  if (error.reason == ErrorReason::content_moderated) return "content_policy_violation";
  return slug_of(error);
}

// xAI has other statuses and slugs for what is wrong with a key (xai-api.md 3.2).
struct XaiRow {
  ErrorReason reason;
  int status;
  std::string_view slug;
};
constexpr std::array kXaiRows = {
    XaiRow{ErrorReason::no_credentials, 401, "unauthenticated:no-credentials"},
    XaiRow{ErrorReason::bad_credentials, 400, "invalid-argument"},
    XaiRow{ErrorReason::wrong_scope, 403, "permission-denied"},
};

const XaiRow* xai_row(const Error& error, const ErrorStyle& style) {
  if (!style.strict_xai) return nullptr;
  const auto* row = std::ranges::find(kXaiRows, error.reason, &XaiRow::reason);
  return row == kXaiRows.end() ? nullptr : row;
}

bool is_out_of_quota(const Error& error) { return error.reason == ErrorReason::insufficient_quota; }

struct Parts {
  std::string_view slug;
  std::string_view inner_slug;
  std::string_view type;
  std::string_view message;
  std::string_view field;
  std::string_view request_id;
};

JsonText inner(const Parts& parts) {
  return JsonText::object({{"message", parts.message},
                           {"type", parts.type},
                           {"param", parts.field.empty() ? JsonText() : JsonText(parts.field)},
                           {"code", parts.inner_slug}});
}

JsonText body(const Parts& parts, const ErrorStyle& style) {
  if (style.strict_xai) return JsonText::object({{"code", parts.slug}, {"error", parts.message}});
  JsonText whole = JsonText::object({{"code", parts.slug}, {"error", inner(parts)}});
  if (!parts.request_id.empty()) whole.add("request_id", parts.request_id);
  return whole;
}

}  // namespace

const ErrorRow& error_row(ErrorCode code) {
  for (const ErrorRow& row : kRows) {
    if (row.code == code) return row;
  }
  CHECK(false, "error code {} has no row in wire/errors.cpp", static_cast<int>(code));
  return kRows.front();
}

RetryAdvice retry_advice(const Error& error) {
  const ErrorRow& row = error_row(error.code);
  RetryAdvice advice{.retry = error.retry == Retry::by_code ? row.retry : error.retry};
  std::int64_t after_ms = error.retry_after_ms;
  if (after_ms == 0 && advice.retry != Retry::no) after_ms = row.retry_after_ms;
  advice.after_s = std::min((after_ms + 999) / 1000, kRetryAfterMaxSeconds);
  return advice;
}

int error_status(const Error& error, const ErrorStyle& style) {
  if (const XaiRow* row = xai_row(error, style)) return row->status;
  return is_out_of_quota(error) ? style.out_of_quota_status : error_row(error.code).status;
}

JsonText error_value(const Error& error) {
  return inner(
      {slug_of(error), inner_slug_of(error), type_of(error), error.message, error.field, {}});
}

std::string error_body(const Error& error, std::string_view request_id, const ErrorStyle& style,
                       std::int64_t charged_usd_ticks) {
  const XaiRow* row = xai_row(error, style);
  const Parts parts{row != nullptr ? row->slug : slug_of(error),
                    inner_slug_of(error),
                    type_of(error),
                    error.message,
                    error.field,
                    request_id};
  JsonText whole = body(parts, style);
  // xAI says here what the refusal has cost.
  if (error.reason == ErrorReason::content_moderated)
    whole.add("usage", JsonText::object({{"cost_in_usd_ticks", charged_usd_ticks}}));
  return whole.text();
}

Error within(std::string_view object, Error error) {
  error.message = fmt::format("{}.{}", object, error.message);
  error.field = fmt::format("{}.{}", object, error.field);
  return error;
}

std::string refusal_body(int status, std::string_view message, std::string_view request_id,
                         const ErrorStyle& style) {
  const std::string_view slug = status == 413 ? "payload-too-large" : "bad-request";
  return body({slug, slug, status >= 500 ? kServerError : kRequestError, message, {}, request_id},
              style)
      .text();
}

std::string upstream_error_body(int status, std::string_view message, std::string_view request_id,
                                const ErrorStyle& style) {
  const auto* const known = std::ranges::find(kRows, status, &ErrorRow::status);
  const ErrorRow& row = known != kRows.end() ? *known
                        : status < 500       ? error_row(ErrorCode::invalid_argument)
                                             : error_row(ErrorCode::internal);
  return body({row.slug, row.slug, row.type, message, {}, request_id}, style).text();
}

}  // namespace imagined::api::wire

#include "api/wire/errors.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace imagined::api::wire {
namespace {

using nlohmann::json;

// The compiler warns here when an enumerator is added, so none is forgotten in the table.
bool is_known(ErrorCode code) {
  switch (code) {
    case ErrorCode::cancelled:
    case ErrorCode::unknown:
    case ErrorCode::invalid_argument:
    case ErrorCode::deadline_exceeded:
    case ErrorCode::not_found:
    case ErrorCode::already_exists:
    case ErrorCode::permission_denied:
    case ErrorCode::resource_exhausted:
    case ErrorCode::failed_precondition:
    case ErrorCode::aborted:
    case ErrorCode::out_of_range:
    case ErrorCode::unimplemented:
    case ErrorCode::internal:
    case ErrorCode::unavailable:
    case ErrorCode::data_loss:
    case ErrorCode::unauthenticated:
    case ErrorCode::unprocessable:
    case ErrorCode::payload_too_large:
    case ErrorCode::unsupported_media_type:
    case ErrorCode::method_not_allowed:
    case ErrorCode::storage_full:
    case ErrorCode::misdirected:
    case ErrorCode::gone:
      return true;
  }
  return false;
}

TEST(ErrorTable, HasARowForEachCode) {
  for (int value = 0; value < 256; ++value) {
    const auto code = static_cast<ErrorCode>(value);
    if (!is_known(code)) continue;
    const ErrorRow& row = error_row(code);
    EXPECT_GE(row.status, 400) << value;
    EXPECT_LT(row.status, 600) << value;
    EXPECT_FALSE(row.slug.empty()) << value;
  }
}

TEST(ErrorTable, GivesTheStatusThatClientsTellApart) {
  EXPECT_EQ(error_row(ErrorCode::invalid_argument).status, 400);
  EXPECT_EQ(error_row(ErrorCode::unauthenticated).status, 401);
  EXPECT_EQ(error_row(ErrorCode::not_found).status, 404);
  EXPECT_EQ(error_row(ErrorCode::payload_too_large).status, 413);
  EXPECT_EQ(error_row(ErrorCode::unsupported_media_type).status, 415);
  EXPECT_EQ(error_row(ErrorCode::unprocessable).status, 422);
  EXPECT_EQ(error_row(ErrorCode::resource_exhausted).status, 429);
  EXPECT_EQ(error_row(ErrorCode::unavailable).status, 503);
  EXPECT_EQ(error_row(ErrorCode::storage_full).status, 507);
}

TEST(ErrorBody, HasTheNestedForm) {
  const json body =
      json::parse(error_body({ErrorCode::unprocessable, "n: wrong", "n"}, "id-1", {}));
  EXPECT_EQ(body, json::parse(R"({"code": "invalid-argument", "request_id": "id-1",
      "error": {"message": "n: wrong", "type": "invalid_request_error", "param": "n",
                "code": "invalid-argument"}})"));
}

TEST(ErrorBody, SaysNullForNoField) {
  const json body = json::parse(error_body({ErrorCode::internal, "oh"}, "", {}));
  EXPECT_TRUE(body["error"]["param"].is_null());
  EXPECT_FALSE(body.contains("request_id"));
}

TEST(ErrorBody, KeepsTheDetailBack) {
  const std::string body =
      error_body({.code = ErrorCode::internal, .message = "oh", .detail = "secret"}, "", {});
  EXPECT_EQ(body.find("secret"), std::string::npos);
}

TEST(ErrorBody, ReplacesBytesThatAreNoUtf8) {
  EXPECT_TRUE(json::accept(error_body({ErrorCode::internal, "\xFF"}, "", {})));
}

TEST(ErrorBody, TakesTheSlugFromTheReason) {
  const auto slug = [](ErrorReason reason) {
    return json::parse(error_body(
        {.code = ErrorCode::unauthenticated, .message = "no", .reason = reason}, "", {}))["code"];
  };
  EXPECT_EQ(slug(ErrorReason::no_credentials), "unauthenticated:no-credentials");
  EXPECT_EQ(slug(ErrorReason::bad_credentials), "unauthenticated:bad-credentials");
  EXPECT_EQ(slug(ErrorReason::wrong_scope), "unauthenticated:wrong-scope");
  EXPECT_EQ(slug(ErrorReason::none), "unauthenticated");
}

TEST(ErrorBody, SaysOfASpentQuotaWhatOpenAiDoes) {
  const json body = json::parse(error_body({.code = ErrorCode::resource_exhausted,
                                            .message = "spent",
                                            .reason = ErrorReason::insufficient_quota},
                                           "", {}));
  EXPECT_EQ(body["error"]["type"], "insufficient_quota");
  EXPECT_EQ(body["error"]["code"], "insufficient_quota");
}

constexpr ErrorStyle kStrict{.strict_xai = true};

TEST(StrictXai, HasTheFlatFormForEachCode) {
  for (int value = 0; value < 256; ++value) {
    const auto code = static_cast<ErrorCode>(value);
    if (!is_known(code)) continue;
    const Error error{.code = code, .message = "n: wrong", .field = "n"};
    EXPECT_EQ(json::parse(error_body(error, "id-1", kStrict)),
              json({{"code", error_row(code).slug}, {"error", "n: wrong"}}))
        << value;
    EXPECT_EQ(error_status(error, kStrict), error_row(code).status) << value;
  }
  EXPECT_EQ(json::parse(refusal_body(400, "no request", "id-1", kStrict)),
            json::parse(R"({"code": "bad-request", "error": "no request"})"));
}

TEST(StrictXai, HasXaisStatusesForWhatIsWrongWithAKey) {
  struct Row {
    ErrorReason reason;
    int status;
    int strict_status;
    const char* strict_slug;
  };
  for (const Row& row :
       {Row{ErrorReason::no_credentials, 401, 401, "unauthenticated:no-credentials"},
        Row{ErrorReason::bad_credentials, 401, 400, "invalid-argument"},
        Row{ErrorReason::wrong_scope, 401, 403, "permission-denied"},
        Row{ErrorReason::none, 401, 401, "unauthenticated"}}) {
    const Error error{.code = ErrorCode::unauthenticated, .message = "no", .reason = row.reason};
    EXPECT_EQ(error_status(error, {}), row.status);
    EXPECT_EQ(error_status(error, kStrict), row.strict_status);
    EXPECT_EQ(json::parse(error_body(error, "", kStrict))["code"], row.strict_slug);
  }
}

TEST(ErrorStatus, OfASpentQuotaIsWhatTheOperatorWants) {
  const Error spent{.code = ErrorCode::resource_exhausted,
                    .message = "spent",
                    .reason = ErrorReason::insufficient_quota};
  EXPECT_EQ(error_status(spent, {}), 429);
  EXPECT_EQ(error_status(spent, {.out_of_quota_status = 402}), 402);
  const Error too_many{.code = ErrorCode::resource_exhausted, .message = "too many"};
  EXPECT_EQ(error_status(too_many, {.out_of_quota_status = 402}), 429);
}

// OpenAI's clients ask up to three times more after these, and each time is the whole work again.
TEST(RetryAdvice, KeepsClientsFromRepeatingWhatEndsTheSameWay) {
  for (const ErrorCode code :
       {ErrorCode::internal, ErrorCode::unknown, ErrorCode::data_loss, ErrorCode::deadline_exceeded,
        ErrorCode::storage_full, ErrorCode::unimplemented, ErrorCode::already_exists}) {
    EXPECT_EQ(retry_advice({code, "no"}).retry, Retry::no) << static_cast<int>(code);
    EXPECT_EQ(retry_advice({code, "no"}).after_s, 0) << static_cast<int>(code);
  }
}

TEST(RetryAdvice, AsksToComeBackWhereThatHelps) {
  for (const ErrorCode code : {ErrorCode::resource_exhausted, ErrorCode::unavailable}) {
    EXPECT_GT(retry_advice({code, "later"}).after_s, 0);
    EXPECT_NE(retry_advice({code, "later"}).retry, Retry::no);
  }
}

TEST(RetryAdvice, RoundsUpAndStaysWithinWhatClientsWait) {
  const auto after = [](std::int64_t ms) {
    return retry_advice({.code = ErrorCode::unavailable, .message = "later", .retry_after_ms = ms})
        .after_s;
  };
  EXPECT_EQ(after(1), 1);
  EXPECT_EQ(after(2001), 3);
  EXPECT_EQ(after(3'600'000), 60);
}

TEST(RetryAdvice, LetsTheErrorSpeakBeforeItsCode) {
  EXPECT_EQ(retry_advice({.code = ErrorCode::internal, .message = "x", .retry = Retry::yes}).retry,
            Retry::yes);
  const RetryAdvice spent = retry_advice(
      {.code = ErrorCode::resource_exhausted, .message = "no money", .retry = Retry::no});
  EXPECT_EQ(spent.retry, Retry::no);
  EXPECT_EQ(spent.after_s, 0);
}

TEST(UpstreamErrors, HaveTheWordOfTheirStatusInXaisForm) {
  EXPECT_EQ(upstream_error_body(429, "slow down", "r", kStrict),
            R"({"code":"resource-exhausted","error":"slow down"})");
  EXPECT_EQ(upstream_error_body(418, "a teapot", "r", kStrict),
            R"({"code":"invalid-argument","error":"a teapot"})");
  EXPECT_EQ(upstream_error_body(599, "?", "r", kStrict), R"({"code":"internal","error":"?"})");
}

}  // namespace
}  // namespace imagined::api::wire

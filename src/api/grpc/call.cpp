#include "api/grpc/call.h"

#include <fmt/format.h>

#include <boost/asio/ip/address.hpp>
#include <map>
#include <optional>

#include "api/wire/errors.h"
#include "api/wire/limit_headers.h"
#include "base/ids.h"
#include "base/log.h"

namespace imagined::api {
namespace {

// Codes that only HTTP tells apart, and a good key without the right, which xAI's SDK expects as
// PERMISSION_DENIED.
grpc::StatusCode code_of(const Error& error) {
  if (error.reason == ErrorReason::wrong_scope) return grpc::StatusCode::PERMISSION_DENIED;
  switch (error.code) {
    case ErrorCode::unprocessable:
    case ErrorCode::payload_too_large:
    case ErrorCode::unsupported_media_type:
    case ErrorCode::method_not_allowed:
    case ErrorCode::misdirected:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorCode::storage_full:  // not UNAVAILABLE, which the SDK would repeat
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorCode::gone:
      return grpc::StatusCode::NOT_FOUND;
    default:
      return static_cast<grpc::StatusCode>(error.code);
  }
}

// As gRPC spells it.
std::string_view word_of(grpc::StatusCode code) {
  constexpr std::string_view kWords[] = {"OK",
                                         "CANCELLED",
                                         "UNKNOWN",
                                         "INVALID_ARGUMENT",
                                         "DEADLINE_EXCEEDED",
                                         "NOT_FOUND",
                                         "ALREADY_EXISTS",
                                         "PERMISSION_DENIED",
                                         "RESOURCE_EXHAUSTED",
                                         "FAILED_PRECONDITION",
                                         "ABORTED",
                                         "OUT_OF_RANGE",
                                         "UNIMPLEMENTED",
                                         "INTERNAL",
                                         "UNAVAILABLE",
                                         "DATA_LOSS",
                                         "UNAUTHENTICATED"};
  return kWords[code];
}

std::string text_of(const Error& error) {
  // The word that clients look for.
  if (error.reason == ErrorReason::content_moderated)
    return "imagine:content-moderated: " + error.message;
  // The SDK repeats none of these, so that a person must know.
  const wire::RetryAdvice advice = wire::retry_advice(error);
  const bool says_when = error.code == ErrorCode::resource_exhausted && advice.after_s > 0 &&
                         error.message.find("again in") == std::string::npos;
  return says_when ? fmt::format("{}; try again in {} s", error.message, advice.after_s)
                   : error.message;
}

// The SDK's interceptors miss the one call that streams to the server.
constexpr std::string_view kUpload = "/xai_api.Files/UploadFile";
constexpr std::string_view kForgottenKey =
    " xai-sdk sends no key with an upload over use_insecure_channel; without that option, and with "
    "api_host \"localhost:PORT\" or TLS, it does.";

// Whose wrong keys are counted: everybody's but this machine's own.
std::string counted_client(const std::string& address) {
  boost::system::error_code error;
  const auto parsed = boost::asio::ip::make_address(address, error);
  return error || parsed.is_loopback() ? std::string() : address;
}

std::string_view view(const grpc::string_ref& text) { return {text.data(), text.size()}; }

// The library would refuse what is too large, too, and the other calls of its connection with it:
// its own limit is far above this one.
Result<void> check_size(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
  constexpr std::size_t kBytesMax = 16 << 10;
  constexpr std::size_t kEach = 32;  // as HTTP/2 counts (RFC 7541, 4.1)
  std::size_t bytes = 0;
  for (const auto& [name, value] : metadata) bytes += name.size() + value.size() + kEach;
  if (bytes <= kBytesMax) return {};
  Error error{.code = ErrorCode::resource_exhausted, .retry = Retry::no};
  error.message =
      fmt::format("the metadata have {} bytes, at most {} are allowed a call", bytes, kBytesMax);
  return tl::unexpected(std::move(error));
}

}  // namespace

GrpcCall::GrpcCall(const GrpcContext& context, grpc::CallbackServerContext& wire_context,
                   std::string_view method_name)
    : wire(wire_context), method(method_name), client(context.peers.address_of(wire.peer())) {
  id = make_uuid(context.services.clock);
  wire.AddTrailingMetadata("x-request-id", id);  // see finish()
}

Async<Result<void>> authenticate(const GrpcContext& context, GrpcCall& call) {
  const auto& metadata = call.wire.client_metadata();
  auto fits = check_size(metadata);
  if (!fits) co_return fits;
  const auto [first, last] = metadata.equal_range("authorization");
  if (first != last && std::next(first) != last)
    co_return fail(ErrorCode::invalid_argument, "authorization is given more than once");
  std::optional<std::string_view> authorization;
  if (first != last) authorization = view(first->second);
  const std::string from = counted_client(call.client);
  auto caller = co_await on_pool(context.pool, [&] {
    return context.services.keys.authenticate(authorization, service::Usable::now, from);
  });
  if (!caller) {
    Error error = std::move(caller.error());
    if (error.reason == ErrorReason::no_credentials && call.method == kUpload)
      error.message += kForgottenKey;
    co_return tl::unexpected(std::move(error));
  }
  call.caller = std::move(*caller);
  co_return Result<void>();
}

Result<service::Asking> read_asking(const GrpcCall& call) {
  const auto& metadata = call.wire.client_metadata();
  const auto value = [&](const char* name) -> std::optional<std::string_view> {
    const auto found = metadata.find(name);
    if (found == metadata.end()) return std::nullopt;
    return view(found->second);
  };
  constexpr const char* kKey = "idempotency-key";
  const auto key = value(kKey);
  return read_asking(HowAsked{.idempotency_key = key.value_or(""),
                              .has_idempotency_key = key.has_value(),
                              .has_more_of_them = metadata.count(kKey) > 1,
                              .retries = value("grpc-previous-rpc-attempts").value_or(""),
                              .cache = value("x-cache"),
                              .prefer = {}});
}

OwnNames own_names(const GrpcContext& context, const GrpcCall& call) {
  OwnNames names{.public_url = context.public_url,
                 .base = context.public_url,
                 .local_authority = {},
                 .port = context.http_port,
                 .is_encrypted = context.is_encrypted};
  const std::string& own_host = context.http_host;
  if (!own_host.empty()) names.local_authority = authority_of_endpoint(own_host, names.port);
  if (!names.base.empty()) return names;
  const std::string_view authority = view(call.wire.ExperimentalGetAuthority());
  std::string_view host = authority.substr(0, authority.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (!own_host.empty()) host = own_host;
  names.base = fmt::format("{}://{}", names.is_encrypted ? "https" : "http",
                           authority_of_endpoint(host.empty() ? "localhost" : host, names.port));
  return names;
}

grpc::Status status_of(const Error& error) { return {code_of(error), text_of(error)}; }

void tell_limits(const GrpcContext& context, GrpcCall& call) {
  if (!call.limits) return;
  for (wire::LimitHeader& header :
       wire::limit_headers(*call.limits, context.services.clock.unix_ms()))
    call.wire.AddInitialMetadata(std::string(header.name), std::move(header.value));
  call.limits.reset();
}

grpc::Status finish(const GrpcContext& context, GrpcCall& call, const Result<void>& outcome) {
  const grpc::Status status = outcome ? grpc::Status::OK : status_of(outcome.error());
  // A client that has seen metadata before the end takes the call for begun and tries no more.
  if (status.error_code() != grpc::StatusCode::UNAVAILABLE) tell_limits(context, call);
  if (!outcome) {
    context.services.outcomes.refused(outcome.error(), call.over_limit);
    const wire::RetryAdvice advice = wire::retry_advice(outcome.error());
    // Without it xAI's SDK is through with its five tries in 1.4 s; below 0 it stops.
    if (status.error_code() == grpc::StatusCode::UNAVAILABLE)
      call.wire.AddTrailingMetadata(
          "grpc-retry-pushback-ms",
          advice.retry == Retry::no ? "-1" : std::to_string(advice.after_s * 1000));
    const bool is_ours = wire::error_row(outcome.error().code).status >= 500;
    if (!outcome.error().detail.empty() || is_ours)
      log(is_ours ? LogLevel::error : LogLevel::info, "request_failed",
          "request_id={} code={} message={:?} detail={:?}", call.id,
          static_cast<int>(status.error_code()), outcome.error().message, outcome.error().detail);
  }
  const std::chrono::duration<double, std::milli> took =
      std::chrono::steady_clock::now() - call.started;
  const std::string_view code = word_of(status.error_code());
  context.counts.ended(call.method, code, took);
  log(LogLevel::info, "call", "request_id={} client={} method={} code={} ms={:.1f} key={} job={}",
      call.id, call.client, call.method, code, took.count(),
      call.caller ? call.caller->owner.key_id : "-", call.job_id.empty() ? "-" : call.job_id);
  return status;
}

}  // namespace imagined::api

#include "service/accounts/capacity.h"

#include <fmt/core.h>

#include "base/utf8.h"

namespace imagined::service {
namespace {

Result<void> check_rate(const std::optional<std::int64_t>& rate, const char* field) {
  if (!rate || (*rate >= 1 && *rate <= kCapacityMax)) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("{} is {}, expected 1 to {}", field, *rate, kCapacityMax), field);
}

}  // namespace

Result<void> check_capacity(const CapacityRequest& request) {
  if (!request.per_second && !request.per_minute)
    return fail(ErrorCode::invalid_argument, "qps or qpm is needed: requests a second or a minute",
                "qps");
  TRY(check_rate(request.per_second, "qps"));
  TRY(check_rate(request.per_minute, "qpm"));
  if (request.reason.size() > kReasonBytesMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("reason has {} bytes, at most {} are allowed", request.reason.size(),
                            kReasonBytesMax),
                "reason");
  std::string_view rest = request.reason;
  while (!rest.empty()) {
    const auto c = take_code_point(rest);
    if (!c || *c < 0x20 || (*c >= 0x7F && *c <= 0x9F))
      return fail(ErrorCode::invalid_argument, "reason has a control character or broken UTF-8",
                  "reason");
  }
  return {};
}

}  // namespace imagined::service

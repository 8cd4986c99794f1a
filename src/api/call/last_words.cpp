#include "api/call/last_words.h"

#include <algorithm>

namespace imagined::api {
namespace {

constexpr std::chrono::milliseconds kLastWords{1'000};  // for a few bytes each

}  // namespace

std::chrono::milliseconds last_words(std::chrono::milliseconds drain_timeout) {
  return std::min(kLastWords, drain_timeout / 2);
}

Error stopping_error() {
  return {.code = ErrorCode::unavailable,
          .message = "the server is being stopped and could not wait for the end; ask again"};
}

}  // namespace imagined::api

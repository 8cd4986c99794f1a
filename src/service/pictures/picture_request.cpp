#include "service/pictures/picture_request.h"

#include <fmt/format.h>

namespace imagined::service {

Result<int> check_picture_count(std::int64_t count) {
  if (count < 1 || count > kPictureCountMax)
    return fail(ErrorCode::invalid_argument,
                fmt::format("n is {}, expected 1 to {}", count, kPictureCountMax), "n");
  return static_cast<int>(count);
}

Result<void> check_user(std::string_view user) {
  if (user.size() > kUserBytesMax)
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("user has {} bytes, at most {} are allowed", user.size(), kUserBytesMax),
        "user");
  if (user.find('\0') != std::string_view::npos)
    return fail(ErrorCode::invalid_argument, "user has the control character U+0000", "user");
  return {};
}

}  // namespace imagined::service

#include "service/pictures/edit_request.h"

#include <fmt/core.h>

#include <string_view>

namespace imagined::service {

std::string reference_name(std::size_t index) { return fmt::format("image {}", index + 1); }

Error about_picture(Error error, std::string_view name) {
  constexpr std::string_view kAny = "the image";
  error.message = error.message.starts_with(kAny)
                      ? fmt::format("{}{}", name, error.message.substr(kAny.size()))
                      : fmt::format("{}: {}", name, error.message);
  // 415 would be about the type of the body.
  if (error.code == ErrorCode::unsupported_media_type) error.code = ErrorCode::invalid_argument;
  error.field = name == kMaskName ? "mask" : "image";
  return error;
}

}  // namespace imagined::service

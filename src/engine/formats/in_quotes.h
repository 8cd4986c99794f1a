// How error messages quote what a file says.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace imagined::engine {

/// The text in double quotes, control characters and quotes escaped, cut after 120 bytes: names
/// come from files that may hold anything.
std::string in_quotes(std::string_view text);

/// tensor "NAME": WHAT
template <class... Args>
tl::unexpected<Error> fail_tensor(ErrorCode code, std::string_view name,
                                  fmt::format_string<Args...> format, Args&&... args) {
  return fail(code, fmt::format("tensor {}: {}", in_quotes(name),
                                fmt::format(format, std::forward<Args>(args)...)));
}

}  // namespace imagined::engine

// How error messages quote what a file says.
#pragma once

#include <string>
#include <string_view>

namespace imagined::engine {

/// The text in double quotes, control characters and quotes escaped, cut after 120 bytes: names
/// come from files that may hold anything.
std::string in_quotes(std::string_view text);

}  // namespace imagined::engine

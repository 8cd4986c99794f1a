#pragma once

#include <span>
#include <string>
#include <string_view>

namespace imagined {

/// What goes behind a complaint about `word`: "; did you mean \"NAME\"?" with the name on the list
/// that is most like it, or nothing when none is near.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> names);

}  // namespace imagined

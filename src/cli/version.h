#pragma once

namespace imagined::cli {

/// Of the project() line in CMakeLists.txt; a test compares the two.
inline constexpr const char* kVersion = "0.1.0";

}  // namespace imagined::cli

// A configuration as a TOML file.
#pragma once

#include <cstdint>
#include <string>

#include "config/config.h"

namespace imagined::config {

/// The configuration as a file that has the same effect: what `config show` prints and what the
/// server hands to its worker. With `remarks` each setting says what it is and where it was set.
enum class Remarks : std::uint8_t { none, all };
std::string to_toml(const Config& config, Remarks remarks);

/// A file to begin with: every setting and the built-in models at their defaults, as comments.
std::string example_toml();

}  // namespace imagined::config

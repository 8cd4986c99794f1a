// Files that a person named on the command line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>

#include "base/result.h"

namespace imagined::cli {

/// Whole or not at all: written beside its place, then renamed. `storage_full` when it cannot be.
Result<void> write_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes);

}  // namespace imagined::cli

// Files that a person named on the command line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "base/result.h"

namespace imagined::cli {

/// `not_found`, naming the file, when it cannot be read; `payload_too_large` above `bytes_max`.
Result<std::vector<std::uint8_t>> read_file(const std::filesystem::path& path,
                                            std::uintmax_t bytes_max);

/// Whole or not at all: written beside its place, then renamed. `storage_full` when it cannot be.
Result<void> write_file(const std::filesystem::path& path, std::span<const std::uint8_t> bytes);

}  // namespace imagined::cli

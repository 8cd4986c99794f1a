// Files of a tokenizer's folder, read whole.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace imagined::engine {

/// Far above published files (Qwen3's tokenizer.json: 11 MB).
inline constexpr std::size_t kMaxTokenizerBytes = 64 << 20;

bool is_text_file(const std::filesystem::path& path);

/// Errors, naming the file: `not_found`, `permission_denied`, `data_loss` (reading failed),
/// `invalid_argument` (no regular file, or more than kMaxTokenizerBytes).
Result<std::string> read_text_file(const std::filesystem::path& path);

}  // namespace imagined::engine

// Files of a tokenizer's folder, read whole.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"

namespace imagined::engine {

/// Far above published files (Qwen3's tokenizer.json: 11 MB).
inline constexpr std::size_t kMaxTokenizerBytes = 64 << 20;

bool is_text_file(const std::filesystem::path& path);

/// At most kMaxTokenizerBytes; errors as `read_file`.
Result<std::string> read_text_file(const std::filesystem::path& path);

}  // namespace imagined::engine

// Which tokenizer a folder holds, told by what is in its files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

namespace imagined::engine {

enum class TokenizerKind : std::uint8_t { qwen, clip, t5, mistral };

/// Nothing where the folder holds no tokenizer: neither tokenizer.json, nor vocab.json beside
/// merges.txt, nor spiece.model. A cheap look at the text; whether the files are right shows when
/// they are loaded.
std::optional<TokenizerKind> tokenizer_kind(const std::filesystem::path& folder);

/// "Qwen's tokenizer", as messages call it.
std::string_view tokenizer_name(TokenizerKind kind);

}  // namespace imagined::engine

#include "engine/tokenizers/tokenizer_kind.h"

#include "engine/tokenizers/text_file.h"

namespace imagined::engine {
namespace {

constexpr std::string_view kWordEnd = "</w>";

/// tokenizer.json says which model it is for; CLIP's BPE marks the end of each word.
TokenizerKind kind_of_json(std::string_view text) {
  if (text.find("\"Unigram\"") != std::string_view::npos) return TokenizerKind::t5;
  // Of the letters that Qwen's pattern takes alike, tekken's tells capital ones apart.
  if (text.find(R"(\\p{Lu})") != std::string_view::npos) return TokenizerKind::mistral;
  constexpr std::string_view kSuffix = "\"end_of_word_suffix\"";
  const std::size_t at = text.find(kSuffix);
  if (at == std::string_view::npos) return TokenizerKind::qwen;
  const std::string_view value = text.substr(at + kSuffix.size(), 16);
  return value.find(kWordEnd) != std::string_view::npos ? TokenizerKind::clip : TokenizerKind::qwen;
}

}  // namespace

std::optional<TokenizerKind> tokenizer_kind(const std::filesystem::path& folder) {
  if (is_text_file(folder / "tokenizer.json")) {
    const Result<std::string> text = read_text_file(folder / "tokenizer.json");
    return text ? kind_of_json(*text) : TokenizerKind::qwen;
  }
  if (is_text_file(folder / "spiece.model")) return TokenizerKind::t5;
  if (!is_text_file(folder / "vocab.json") || !is_text_file(folder / "merges.txt"))
    return std::nullopt;
  const Result<std::string> text = read_text_file(folder / "vocab.json");
  const bool marked = text && text->find(kWordEnd) != std::string::npos;
  return marked ? TokenizerKind::clip : TokenizerKind::qwen;
}

std::string_view tokenizer_name(TokenizerKind kind) {
  switch (kind) {
    case TokenizerKind::qwen:
      return "Qwen's tokenizer";
    case TokenizerKind::clip:
      return "CLIP's tokenizer";
    case TokenizerKind::t5:
      return "T5's tokenizer";
    case TokenizerKind::mistral:
      return "Mistral's tokenizer";
  }
  return "a tokenizer";
}

}  // namespace imagined::engine

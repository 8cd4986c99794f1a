// The pre-tokenisers of Qwen2 and CLIP: they cut a text into the words that BPE works on.
#pragma once

#include <string_view>
#include <vector>

namespace imagined::engine {

/// Qwen2's pattern as tokenizer.json spells it; the only one this scanner knows.
inline constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// The words of a text, in order; together they are the whole text. `text` must be valid UTF-8.
/// A hand-written scanner that takes the alternatives in the pattern's order; linear in the length.
std::vector<std::string_view> split_words(std::string_view text);

/// That of Mistral's "tekken" as tokenizer.json spells it.
inline constexpr std::string_view kTekkenPattern =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// The words that it cuts a text into; as split_words. Linear in the length but for runs of letters
/// that have no case and marks, which one word looks at twice.
std::vector<std::string_view> split_tekken_words(std::string_view text);

/// CLIP's pattern, and the part of it that only newer files have.
inline constexpr std::string_view kClipPattern =
    R"(<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)";
inline constexpr std::string_view kClipMarks = R"(<\|startoftext\|>|<\|endoftext\|>|)";

/// The words that CLIP's pattern finds in a lower-case text, cut once more by GPT-2's pattern as
/// tokenizer.json does (it parts the two marks into symbols and letters); white space is left out.
/// `text` must be valid UTF-8. Linear in the length.
std::vector<std::string_view> split_clip_words(std::string_view text);

}  // namespace imagined::engine

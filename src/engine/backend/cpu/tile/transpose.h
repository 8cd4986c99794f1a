// The innermost step of packing: words of neighbouring rows, turned into words side by side.
#pragma once

#include <cstddef>
#include <cstdint>

namespace imagined::engine {

/// out[u][c] = rows[c][u], words of 32 bits: an f32, or a pair of bf16.
///
/// rows   [width] pointers to `words` words each, which may be unaligned.
/// width  a multiple of 4.
/// out    [words, width], aligned to 16 bytes.
/// halves whether a word is two bf16.
/// Returns whether every number is finite.
bool transpose_words(const std::byte* const* rows, std::int64_t width, std::int64_t words,
                     bool halves, std::byte* out);

}  // namespace imagined::engine

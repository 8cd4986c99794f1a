// Prefix codes of limited length, as deflate wants them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace imagined::image {

/// Lengths in [1, length_max] of the best prefix code for these counts, of which there are at least
/// two, all above zero, and no more than 2^length_max. The code is complete (Kraft's sum is one).
/// Package-merge: Larmore & Hirschberg 1990.
std::vector<std::uint8_t> code_lengths(std::span<const std::uint32_t> counts, int length_max);

/// The codes themselves, first bit lowest, in the order of RFC 1951, 3.2.2.
std::vector<std::uint16_t> canonical_codes(std::span<const std::uint8_t> lengths);

}  // namespace imagined::image

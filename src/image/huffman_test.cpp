#include "image/huffman.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <set>

namespace imagined::image {
namespace {

/// Sum of 2^-length, in units of 2^-15.
std::uint32_t kraft_sum(std::span<const std::uint8_t> lengths) {
  std::uint32_t sum = 0;
  for (const std::uint8_t length : lengths) sum += 1u << (15 - length);
  return sum;
}

TEST(CodeLengths, MatchAKnownBestCode) {
  // Huffman's own way by hand: 1+1, 2+2, 4+5, 9+9.
  const std::vector<std::uint32_t> counts = {9, 1, 5, 2, 1};
  EXPECT_EQ(code_lengths(counts, 15), (std::vector<std::uint8_t>{1, 4, 2, 3, 4}));
}

TEST(CodeLengths, AreTheBestUnderALimit) {
  // Without a limit 1 2 3 4 4 (33 bits); under three bits the best is 1 3 3 3 3 (36 bits).
  const std::vector<std::uint32_t> counts = {9, 1, 5, 2, 1};
  const auto lengths = code_lengths(counts, 3);
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) bits += counts[i] * lengths[i];
  EXPECT_EQ(bits, 36u);
}

TEST(CodeLengths, MakeACompleteCodeWithinTheLimitFromExtremeCounts) {
  std::vector<std::uint32_t> counts(286, 1);
  for (std::size_t i = 0; i < 30; ++i) counts[i] = 1u << i;  // would want 29 bits and more
  const auto lengths = code_lengths(counts, 12);
  EXPECT_EQ(kraft_sum(lengths), 1u << 15);
  for (const std::uint8_t length : lengths) EXPECT_LE(length, 12);
}

TEST(CodeLengths, AreOneBitForTwoSymbols) {
  EXPECT_EQ(code_lengths(std::vector<std::uint32_t>{1, 1000}, 7),
            (std::vector<std::uint8_t>{1, 1}));
}

TEST(CanonicalCodes, MatchTheExampleOfRfc1951) {
  // RFC 1951, 3.2.2: lengths (3,3,3,3,3,2,4,4) give 010 011 100 101 110 00 1110 1111; here with the
  // first bit lowest.
  const std::vector<std::uint8_t> lengths = {3, 3, 3, 3, 3, 2, 4, 4};
  EXPECT_EQ(canonical_codes(lengths),
            (std::vector<std::uint16_t>{0b010, 0b110, 0b001, 0b101, 0b011, 0b00, 0b0111, 0b1111}));
}

}  // namespace
}  // namespace imagined::image

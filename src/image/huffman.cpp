#include "image/huffman.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <numeric>

#include "base/check.h"

namespace imagined::image {
namespace {

constexpr std::size_t kLengthMax = 15;  // deflate's own

/// One level of package-merge: the leaves, and pairs of the level below, by weight.
struct Level {
  std::vector<std::uint64_t> weights;
  std::vector<bool> is_leaf;
};

Level merge(std::span<const std::uint64_t> leaves, const Level& below) {
  Level level;
  std::size_t leaf = 0;
  std::size_t pair = 0;
  const std::size_t pair_count = below.weights.size() / 2;
  while (leaf < leaves.size() || pair < pair_count) {
    const std::uint64_t pair_weight =
        pair < pair_count ? below.weights[2 * pair] + below.weights[2 * pair + 1] : 0;
    const bool take_leaf =
        pair == pair_count || (leaf < leaves.size() && leaves[leaf] <= pair_weight);
    level.weights.push_back(take_leaf ? leaves[leaf++] : pair_weight);
    level.is_leaf.push_back(take_leaf);
    if (!take_leaf) ++pair;
  }
  return level;
}

std::uint16_t reversed(std::uint16_t code, int length) {
  std::uint16_t bits = 0;
  for (int i = 0; i < length; ++i) bits = static_cast<std::uint16_t>(bits << 1 | ((code >> i) & 1));
  return bits;
}

}  // namespace

std::vector<std::uint8_t> code_lengths(std::span<const std::uint32_t> counts, int length_max) {
  const std::size_t n = counts.size();
  CHECK(n >= 2 && n <= (std::size_t{1} << length_max), "{} symbols in {} bits", n, length_max);
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t symbol) { return counts[symbol]; });
  std::vector<std::uint64_t> leaves(n);
  for (std::size_t i = 0; i < n; ++i) leaves[i] = counts[order[i]];

  std::vector<Level> levels(static_cast<std::size_t>(length_max));
  for (std::size_t i = 0; i < levels.size(); ++i)
    levels[i] = merge(leaves, i == 0 ? Level{} : levels[i - 1]);

  // The cheapest 2n - 2 items of the top level are the code: each time that a leaf is among them,
  // or within a pair among them, its length grows by one.
  std::vector<std::uint8_t> lengths(n, 0);
  std::size_t taken = 2 * n - 2;
  for (auto level = levels.rbegin(); level != levels.rend(); ++level) {
    const auto leaf_count = static_cast<std::size_t>(std::count(
        level->is_leaf.begin(), level->is_leaf.begin() + static_cast<std::ptrdiff_t>(taken), true));
    for (std::size_t i = 0; i < leaf_count; ++i) ++lengths[order[i]];
    taken = 2 * (taken - leaf_count);
  }
  return lengths;
}

std::vector<std::uint16_t> canonical_codes(std::span<const std::uint8_t> lengths) {
  std::array<std::uint16_t, kLengthMax + 1> next{};
  for (const std::uint8_t length : lengths) {
    CHECK(length >= 1 && length <= kLengthMax, "a code of {} bits", length);
    ++next[length];
  }
  std::uint16_t code = 0;
  for (std::size_t length = 1; length <= kLengthMax; ++length) {
    const std::uint16_t count = next[length];
    next[length] = code;
    code = static_cast<std::uint16_t>((code + count) << 1);
  }
  std::vector<std::uint16_t> codes;
  codes.reserve(lengths.size());
  for (const std::uint8_t length : lengths) codes.push_back(reversed(next[length]++, length));
  return codes;
}

}  // namespace imagined::image

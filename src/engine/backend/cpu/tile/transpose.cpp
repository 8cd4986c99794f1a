#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/backend/cpu/tile/transpose.cpp"
#include <hwy/foreach_target.h>  // must come before highway.h

#include <hwy/highway.h>

#include <cstring>

#include "engine/backend/cpu/tile/transpose.h"

HWY_BEFORE_NAMESPACE();
namespace imagined::engine::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Longer vectors would only be taken apart again: what is stored are runs of four words.
using Words = hn::CappedTag<std::uint32_t, 8>;
using Vector = hn::Vec<Words>;

#if HWY_TARGET == HWY_SCALAR

template <bool kHalves>
std::int64_t transpose_squares(const std::byte* const*, std::int64_t, std::int64_t, std::uint32_t*,
                               bool&) {
  return 0;
}

#else

/// Ones in every number of `words` whose exponent is all ones.
template <bool kHalves>
Vector specials(Vector words) {
  if constexpr (kHalves) {
    const hn::Repartition<std::uint16_t, Words> d;
    const auto exponent = hn::Set(d, std::uint16_t{0x7f80});
    const auto numbers = hn::And(hn::BitCast(d, words), exponent);
    return hn::BitCast(Words(), hn::VecFromMask(d, hn::Eq(numbers, exponent)));
  } else {
    const auto exponent = hn::Set(Words(), 0x7f800000u);
    return hn::VecFromMask(Words(), hn::Eq(hn::And(words, exponent), exponent));
  }
}

/// Four words of each of four rows, one below the other in every block of 128 bits.
struct Square {
  Vector words[4];
};
Square transposed(Vector a, Vector b, Vector c, Vector e) {
  const Words d;
  const hn::Repartition<std::uint64_t, Words> pairs;
  const auto ab_low = hn::BitCast(pairs, hn::InterleaveLower(d, a, b));
  const auto ab_high = hn::BitCast(pairs, hn::InterleaveUpper(d, a, b));
  const auto ce_low = hn::BitCast(pairs, hn::InterleaveLower(d, c, e));
  const auto ce_high = hn::BitCast(pairs, hn::InterleaveUpper(d, c, e));
  return {hn::BitCast(d, hn::InterleaveLower(pairs, ab_low, ce_low)),
          hn::BitCast(d, hn::InterleaveUpper(pairs, ab_low, ce_low)),
          hn::BitCast(d, hn::InterleaveLower(pairs, ab_high, ce_high)),
          hn::BitCast(d, hn::InterleaveUpper(pairs, ab_high, ce_high))};
}

/// A vector's words of four rows, from word `first` on, to columns first_column .. + 3.
template <bool kHalves>
Vector transpose_square(const std::byte* const* rows, std::int64_t first, std::int64_t width,
                        std::uint32_t* out) {
  const Words d;
  const auto load = [&](int row) HWY_ATTR {
    return hn::LoadU(d, reinterpret_cast<const std::uint32_t*>(rows[row]) + first);
  };
  const Vector a = load(0);
  const Vector b = load(1);
  const Vector c = load(2);
  const Vector e = load(3);
  const Square square = transposed(a, b, c, e);
  for (std::int64_t i = 0; i < 4; ++i) {
    std::uint32_t* const to = out + (first + i) * width;
    if constexpr (hn::MaxLanes(d) == 8) {
      const hn::Half<Words> half;
      hn::StoreU(hn::LowerHalf(half, square.words[i]), half, to);
      hn::StoreU(hn::UpperHalf(half, square.words[i]), half, to + 4 * width);
    } else {
      hn::StoreU(square.words[i], d, to);
    }
  }
  return hn::Or(hn::Or(specials<kHalves>(a), specials<kHalves>(b)),
                hn::Or(specials<kHalves>(c), specials<kHalves>(e)));
}

/// As many words of all rows as fill whole vectors; returns how many.
template <bool kHalves>
std::int64_t transpose_squares(const std::byte* const* rows, std::int64_t width, std::int64_t words,
                               std::uint32_t* out, bool& finite) {
  const Words d;
  const auto lanes = static_cast<std::int64_t>(hn::MaxLanes(d));
  Vector found = hn::Zero(d);
  std::int64_t first = 0;
  for (; first + lanes <= words; first += lanes) {
    for (std::int64_t column = 0; column < width; column += 4) {
      found = hn::Or(found, transpose_square<kHalves>(rows + column, first, width, out + column));
    }
  }
  finite = hn::AllTrue(d, hn::Eq(found, hn::Zero(d)));
  return first;
}

#endif

template <bool kHalves>
bool is_special(std::uint32_t word) {
  if (!kHalves) return (word & 0x7f800000u) == 0x7f800000u;
  return (word & 0x7f80u) == 0x7f80u || (word & 0x7f800000u) == 0x7f800000u;
}

template <bool kHalves>
bool transpose(const std::byte* const* rows, std::int64_t width, std::int64_t words,
               std::uint32_t* out) {
  bool finite = true;
  std::int64_t first = transpose_squares<kHalves>(rows, width, words, out, finite);
  for (; first < words; ++first) {
    for (std::int64_t column = 0; column < width; ++column) {
      std::uint32_t word = 0;
      std::memcpy(&word, rows[column] + first * std::int64_t{sizeof(word)}, sizeof(word));
      finite &= !is_special<kHalves>(word);
      out[first * width + column] = word;
    }
  }
  return finite;
}

bool transpose_any(const std::byte* const* rows, std::int64_t width, std::int64_t words,
                   bool halves, std::byte* out) {
  auto* const to = reinterpret_cast<std::uint32_t*>(out);
  return halves ? transpose<true>(rows, width, words, to)
                : transpose<false>(rows, width, words, to);
}

}  // namespace
}  // namespace imagined::engine::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace imagined::engine {
HWY_EXPORT(transpose_any);

bool transpose_words(const std::byte* const* rows, std::int64_t width, std::int64_t words,
                     bool halves, std::byte* out) {
  return HWY_DYNAMIC_DISPATCH(transpose_any)(rows, width, words, halves, out);
}

}  // namespace imagined::engine
#endif

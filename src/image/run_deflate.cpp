#include "image/run_deflate.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "image/huffman.h"

namespace imagined::image {
namespace {

static_assert(std::endian::native == std::endian::little, "words are written as they lie");

constexpr int kCodeBitsMax = 12;       // four literals and seven bits left over fit 64
constexpr int kLengthCodeBitsMax = 7;  // RFC 1951, 3.2.7
constexpr std::size_t kSymbols = 286;  // literals, end of block, lengths
constexpr std::size_t kEndOfBlock = 256;
constexpr std::size_t kMatchMin = 3;
constexpr std::size_t kMatchMax = 258;
constexpr std::size_t kSampleStride = 4;  // of four pieces one is counted
constexpr std::size_t kSampleBytes = 1024;

struct LengthCode {
  std::uint16_t symbol = 0;
  std::uint8_t extra_bits = 0;
  std::uint16_t extra = 0;
};

/// RFC 1951, 3.2.5: four lengths share a number of extra bits, then it grows by one.
constexpr std::array<LengthCode, kMatchMax + 1> kLengthCodes = [] {
  std::array<LengthCode, kMatchMax + 1> codes{};
  std::size_t length = kMatchMin;
  for (std::uint16_t symbol = 257; symbol < 285; ++symbol) {
    const int group = (symbol - 257) / 4;
    const int extra_bits = group < 2 ? 0 : group - 1;
    for (int extra = 0; extra < 1 << extra_bits && length < kMatchMax; ++extra, ++length)
      codes[length] = {symbol, static_cast<std::uint8_t>(extra_bits),
                       static_cast<std::uint16_t>(extra)};
  }
  codes[kMatchMax] = {285, 0, 0};
  return codes;
}();

std::uint32_t load_word(const std::uint8_t* bytes) {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

/// How many bytes from `bytes` on are zero.
std::size_t zero_run(std::span<const std::uint8_t> bytes) {
  std::size_t count = 0;
  while (count + 8 <= bytes.size()) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + count, sizeof word);
    if (word != 0) return count + static_cast<std::size_t>(std::countr_zero(word)) / 8;
    count += 8;
  }
  while (count < bytes.size() && bytes[count] == 0) ++count;
  return count;
}

/// Splits bytes into literals and runs: `literals(pointer, count)` with up to four at a time, and
/// `match(length)` for so many zeros behind a zero.
template <class Literals, class Match>
void parse(std::span<const std::uint8_t> bytes, const Literals& literals, const Match& match) {
  constexpr std::uint8_t kZeros[4] = {};
  std::size_t at = 0;
  while (at + 4 <= bytes.size()) {
    if (load_word(bytes.data() + at) != 0) {
      literals(bytes.data() + at, 4);
      at += 4;
      continue;
    }
    const std::size_t run = zero_run(bytes.subspan(at));
    at += run;
    literals(kZeros, 1);
    std::size_t left = run - 1;
    for (; left >= kMatchMin; left -= std::min(left, kMatchMax)) match(std::min(left, kMatchMax));
    literals(kZeros, static_cast<int>(left));
  }
  literals(bytes.data() + at, static_cast<int>(bytes.size() - at));
}

/// Counts symbols in a quarter of the bytes. Every symbol gets one more than it was seen, so that
/// the code has a word for whatever the other three quarters hold.
std::array<std::uint32_t, kSymbols> sample(std::span<const std::uint8_t> bytes) {
  // Four tables: the same byte twice in a row must not wait for its own count.
  std::array<std::array<std::uint32_t, kSymbols>, 4> tables{};
  const std::size_t stride =
      bytes.size() <= kSampleBytes * kSampleStride ? kSampleBytes : kSampleBytes * kSampleStride;
  for (std::size_t at = 0; at < bytes.size(); at += stride) {
    parse(
        bytes.subspan(at, std::min(kSampleBytes, bytes.size() - at)),
        [&](const std::uint8_t* literal, int count) {
          for (int i = 0; i < count; ++i) ++tables[static_cast<std::size_t>(i)][literal[i]];
        },
        [&](std::size_t length) { ++tables[0][kLengthCodes[length].symbol]; });
  }
  std::array<std::uint32_t, kSymbols> counts{};
  for (std::size_t symbol = 0; symbol < kSymbols; ++symbol)
    counts[symbol] =
        1 + tables[0][symbol] + tables[1][symbol] + tables[2][symbol] + tables[3][symbol];
  return counts;
}

/// Bits in the order of RFC 1951, 3.1.1. Lives in registers while a block is written, hence plain.
struct BitWriter {
  std::uint8_t* out;
  std::uint64_t bits;  // not yet written, first one lowest
  int count;           // below 8 after flush()

  void put(std::uint64_t value, int bit_count) {
    bits |= value << count;
    count += bit_count;
  }
  /// Writes whole bytes, and up to eight bytes beyond them that do not count.
  void flush() {
    std::memcpy(out, &bits, sizeof bits);
    out += count / 8;
    bits >>= count & ~7;
    count &= 7;
  }
};

struct Code {
  std::uint16_t bits = 0;
  std::uint16_t length = 0;
};

// RFC 1951, 3.2.7: a code for the lengths 0 to 12, with it the lengths of all symbols and of the
// one distance that there is.
void write_header(std::span<const std::uint8_t> lengths, bool is_last, BitWriter& writer) {
  std::array<std::uint32_t, kCodeBitsMax + 1> counts{};
  counts.fill(1);
  for (const std::uint8_t length : lengths) ++counts[length];
  const auto length_lengths = code_lengths(counts, kLengthCodeBitsMax);
  const auto length_codes = canonical_codes(length_lengths);
  constexpr std::array<std::uint8_t, 19> kOrder = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                   11, 4,  12, 3, 13, 2, 14, 1, 15};
  writer.put(is_last ? 1 : 0, 1);
  writer.put(2, 2);  // a block with codes of its own
  writer.put(lengths.size() - 257, 5);
  writer.put(0, 5);  // one distance code
  writer.put(kOrder.size() - 4, 4);
  writer.flush();
  for (const std::uint8_t length : kOrder) {
    writer.put(length < length_lengths.size() ? length_lengths[length] : 0, 3);
    writer.flush();
  }
  const auto put_length = [&](std::uint8_t length) {
    writer.put(length_codes[length], length_lengths[length]);
    writer.flush();
  };
  for (const std::uint8_t length : lengths) put_length(length);
  put_length(1);  // distance one
}

BitWriter write_symbols(std::span<const std::uint8_t> bytes,
                        const std::array<Code, kSymbols>& codes, BitWriter writer) {
  parse(
      bytes,
      [&](const std::uint8_t* literal, int count) {
        for (int i = 0; i < count; ++i)
          writer.put(codes[literal[i]].bits, codes[literal[i]].length);
        writer.flush();
      },
      [&](std::size_t length) {
        const LengthCode& code = kLengthCodes[length];
        writer.put(codes[code.symbol].bits, codes[code.symbol].length);
        writer.put(code.extra, code.extra_bits);
        writer.put(0, 1);  // distance one
        writer.flush();
      });
  writer.put(codes[kEndOfBlock].bits, codes[kEndOfBlock].length);
  writer.flush();
  return writer;
}

}  // namespace

RunDeflate::RunDeflate(std::vector<std::uint8_t>& out) : out_(out), end_(out.size()) {}

void RunDeflate::write_block(std::span<const std::uint8_t> bytes, Last last) {
  const auto lengths = code_lengths(sample(bytes), kCodeBitsMax);
  const auto bits = canonical_codes(lengths);
  std::array<Code, kSymbols> codes;
  for (std::size_t symbol = 0; symbol < kSymbols; ++symbol)
    codes[symbol] = {bits[symbol], lengths[symbol]};
  // At most 12 bits a byte, seven per length, and what flush() writes beyond the end.
  out_.resize(std::max(out_.size(), end_ + bytes.size() + bytes.size() / 2 + 512));
  BitWriter writer{.out = out_.data() + end_, .bits = bits_, .count = bit_count_};
  write_header(lengths, last == Last::yes, writer);
  writer = write_symbols(bytes, codes, writer);
  end_ = static_cast<std::size_t>(writer.out - out_.data());
  bits_ = writer.bits;
  bit_count_ = writer.count;
}

void RunDeflate::finish() {
  out_.resize(end_);
  if (bit_count_ > 0) out_.push_back(static_cast<std::uint8_t>(bits_));
}

}  // namespace imagined::image

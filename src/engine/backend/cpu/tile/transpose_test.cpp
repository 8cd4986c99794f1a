#include "engine/backend/cpu/tile/transpose.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include "engine/tensor/each_target_testing.h"

namespace imagined::engine {
namespace {

/// `width` rows of words that say where they stand, one byte off any alignment.
class Rows {
 public:
  Rows(std::int64_t width, std::int64_t words)
      : words_(words), bytes_(static_cast<std::size_t>(1 + 4 * width * words)) {
    for (std::int64_t row = 0; row < width; ++row) {
      pointers_.push_back(bytes_.data() + 1 + 4 * row * words);
      for (std::int64_t word = 0; word < words; ++word) set(row, word, at(row, word));
    }
  }
  static std::uint32_t at(std::int64_t row, std::int64_t word) {
    return static_cast<std::uint32_t>(row << 24 | word << 8 | 1);
  }
  void set(std::int64_t row, std::int64_t word, std::uint32_t value) {
    std::memcpy(bytes_.data() + 1 + 4 * (row * words_ + word), &value, sizeof(value));
  }
  const std::byte* const* pointers() const { return pointers_.data(); }

 private:
  std::int64_t words_;
  std::vector<std::byte> bytes_;
  std::vector<const std::byte*> pointers_;
};

TEST(TransposeWords, PutsWordsOfRowsSideBySide) {
  testing::on_each_target([](const std::string& target) {
    for (const std::int64_t width : {8, 16, 32}) {
      for (const std::int64_t words : {1, 4, 7, 8, 9, 128, 131}) {
        const Rows rows(width, words);
        std::vector<std::uint32_t> out(static_cast<std::size_t>(width * words));
        EXPECT_TRUE(transpose_words(rows.pointers(), width, words, false,
                                    reinterpret_cast<std::byte*>(out.data())));
        for (std::int64_t word = 0; word < words; ++word) {
          for (std::int64_t row = 0; row < width; ++row) {
            ASSERT_EQ(out[static_cast<std::size_t>(word * width + row)], Rows::at(row, word))
                << target << ": word " << word << " of row " << row << " of " << width;
          }
        }
      }
    }
  });
}

TEST(TransposeWords, SeesNanAndInfinityWhereverTheyStand) {
  constexpr std::int64_t kWords = 11;  // more than a vector, and a rest
  testing::on_each_target([](const std::string& target) {
    struct Broken {
      bool halves;
      std::uint32_t word;
    };
    for (const Broken& broken : {Broken{false, 0x7f800000u}, Broken{false, 0xffc00000u},
                                 Broken{true, 0x00007f80u}, Broken{true, 0xffc01234u}}) {
      for (std::int64_t row = 0; row < 8; ++row) {
        for (std::int64_t word = 0; word < kWords; ++word) {
          Rows rows(8, kWords);
          rows.set(row, word, broken.word);
          std::array<std::uint32_t, 8 * kWords> out{};
          ASSERT_FALSE(transpose_words(rows.pointers(), 8, kWords, broken.halves,
                                       reinterpret_cast<std::byte*>(out.data())))
              << target << ": " << broken.word << " at word " << word << " of row " << row;
        }
      }
    }
  });
}

TEST(TransposeWords, TakesTheLargestNumbersForFinite) {
  for (const bool halves : {false, true}) {
    Rows rows(8, 8);
    rows.set(3, 3, halves ? 0xff7f7f7fu : 0xff7fffffu);
    std::array<std::uint32_t, 64> out{};
    EXPECT_TRUE(
        transpose_words(rows.pointers(), 8, 8, halves, reinterpret_cast<std::byte*>(out.data())));
  }
}

}  // namespace
}  // namespace imagined::engine

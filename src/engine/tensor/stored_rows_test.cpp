#include "engine/tensor/stored_rows.h"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

namespace imagined::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

constexpr std::byte kHalfOne[2] = {std::byte{0x00}, std::byte{0x3c}};

/// As many elements as `count`, the numbers from -20 on, in blocks of 32 bytes behind a scale of 1.
std::vector<std::byte> counting_q8(std::int64_t count) {
  std::vector<std::byte> bytes;
  for (std::int64_t i = 0; i < count; ++i) {
    if (i % 32 == 0) bytes.insert(bytes.end(), std::begin(kHalfOne), std::end(kHalfOne));
    bytes.push_back(static_cast<std::byte>(i - 20));
  }
  return bytes;
}

const StoredType& q8_0() { return *find_stored_type("Q8_0"); }

std::vector<float> decoded(const StoredRows& rows) {
  Tensor out(rows.rows(), rows.cols());
  decode_rows(rows, out);
  const auto values = out.values<float>();
  return {values.begin(), values.end()};
}

std::vector<float> counting(std::int64_t first, std::size_t count) {
  std::vector<float> out(count);
  std::iota(out.begin(), out.end(), static_cast<float>(first - 20));
  return out;
}

TEST(StoredRows, DecodeRowsThatAreWholeBlocks) {
  const std::vector<std::byte> bytes = counting_q8(128);
  const StoredRows rows(bytes, q8_0(), 2, 64);
  EXPECT_THAT(decoded(rows), ElementsAreArray(counting(0, 128)));
  EXPECT_THAT(decoded(rows.row_range(1, 1)), ElementsAreArray(counting(64, 64)));
  EXPECT_EQ(rows.row_range(1, 1).bytes().data(), bytes.data() + 68);
}

// A tensor whose shape was changed for the file's sake (comfy.gguf.orig_shape).
TEST(StoredRows, DecodeRowsThatBeginAndEndInsideBlocks) {
  const std::vector<std::byte> bytes = counting_q8(96);
  const StoredRows rows(bytes, q8_0(), 4, 24);
  for (std::int64_t first = 0; first < 4; ++first)
    for (std::int64_t count = 1; first + count <= 4; ++count)
      EXPECT_THAT(decoded(rows.row_range(first, count)),
                  ElementsAreArray(counting(24 * first, static_cast<std::size_t>(24 * count))))
          << first << "+" << count;
  EXPECT_THAT(decoded(rows.row_range(1, 3).row_range(1, 2).row_range(1, 1)),
              ElementsAreArray(counting(72, 24)));
}

TEST(StoredRows, TouchOnlyTheBlocksThatHoldThem) {
  const std::vector<std::byte> bytes = counting_q8(96);
  const StoredRows rows(bytes, q8_0(), 4, 24);
  EXPECT_EQ(rows.row_range(0, 1).bytes().size(), 34u);  // 24 of the first 32
  EXPECT_EQ(rows.row_range(1, 1).bytes().size(), 68u);  // 24 to 47: two blocks
  EXPECT_EQ(rows.row_range(3, 1).bytes().size(), 34u);  // 72 to 95: the third
  EXPECT_EQ(rows.row_range(2, 0).bytes().size(), 0u);
}

TEST(StoredRows, TakeAnotherShapeFromAnElementOn) {
  const std::vector<std::byte> bytes = counting_q8(96);
  const StoredRows part = StoredRows(bytes, q8_0(), 4, 24).reshaped(30, 2, 20);
  EXPECT_EQ(part.rows(), 2);
  EXPECT_THAT(decoded(part), ElementsAreArray(counting(30, 40)));
}

TEST(StoredRowsDeathTest, RefuseMoreElementsThanThereAreBytes) {
  const std::vector<std::byte> bytes = counting_q8(96);
  EXPECT_DEATH(StoredRows(bytes, q8_0(), 4, 25), "in 102 bytes");
  EXPECT_DEATH(StoredRows(bytes, *find_stored_type("F32"), 2, 13), "in 102 bytes");
}

TEST(StoredRows, WidenEveryElementType) {
  const std::array<float, 2> f32 = {1.5f, -2.0f};
  const std::array<std::uint16_t, 2> bf16 = {0x3fc0, 0xc000};
  const std::array<std::uint16_t, 2> f16 = {0x3e00, 0xc000};
  const auto rows = [](DType dtype, std::span<const std::byte> bytes) {
    return StoredRows(bytes, *stored_type_of(dtype), 1, 2);
  };
  EXPECT_THAT(decoded(rows(DType::f32, std::as_bytes(std::span(f32)))), ElementsAre(1.5f, -2.0f));
  EXPECT_THAT(decoded(rows(DType::bf16, std::as_bytes(std::span(bf16)))), ElementsAre(1.5f, -2.0f));
  EXPECT_THAT(decoded(rows(DType::f16, std::as_bytes(std::span(f16)))), ElementsAre(1.5f, -2.0f));
}

TEST(StoredRows, RoundToNearestEvenWhereBf16IsWanted) {
  std::array<std::byte, 34> bytes = {std::byte{0x08}, std::byte{0x3c},  // scale 1 + 1/128
                                     std::byte{1}, std::byte{3}, std::byte{5}};
  Tensor out(1, 32, DType::bf16);
  decode_rows(StoredRows(bytes, q8_0(), 1, 32), out);
  const Bf16* values = out.row<Bf16>(0);
  EXPECT_EQ(to_float(values[0]), 1 + 1.0f / 128);  // exact
  EXPECT_EQ(to_float(values[1]), 3 + 2.0f / 64);   // 3 + 1.5/64, in the middle
  EXPECT_EQ(to_float(values[2]), 5 + 1.0f / 32);   // 5 + 1.25/32
}

TEST(AllFinite, SeesEverySpecialValueOfEveryDtype) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const float value : {inf, -inf, std::nanf("")}) {
    const std::array<float, 3> f32 = {1, value, 3};
    EXPECT_FALSE(all_finite(std::as_bytes(std::span(f32)), DType::f32));
    const std::array<Bf16, 3> bf16 = {to_bf16(1), to_bf16(value), to_bf16(3)};
    EXPECT_FALSE(all_finite(std::as_bytes(std::span(bf16)), DType::bf16));
  }
  for (const std::uint16_t half : std::array<std::uint16_t, 3>{0x7c00, 0xfc00, 0x7e01}) {
    const std::array<std::uint16_t, 3> f16 = {0x3c00, half, 0x3c00};
    EXPECT_FALSE(all_finite(std::as_bytes(std::span(f16)), DType::f16));
  }
}

TEST(AllFinite, AcceptsTheLargestNumbers) {
  const std::array<float, 2> f32 = {std::numeric_limits<float>::max(), -1e-45f};
  EXPECT_TRUE(all_finite(std::as_bytes(std::span(f32)), DType::f32));
  const std::array<std::uint16_t, 2> f16 = {0x7bff, 0xfbff};
  EXPECT_TRUE(all_finite(std::as_bytes(std::span(f16)), DType::f16));
}

}  // namespace
}  // namespace imagined::engine

#include "engine/formats/file_tensor.h"

#include <gmock/gmock.h>

#include <array>
#include <numeric>

#include "engine/formats/gguf_test_files.h"
#include "engine/formats/test_files.h"

namespace imagined::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

/// A tensor whose element i is the number i - 20, stored as Q8_0 (127 of them in a block of scale
/// 1: exactly), with the bytes in `bytes`.
FileTensor counting_q8(const std::vector<std::int64_t>& shape, std::string& bytes) {
  FileTensor tensor{.name = "x", .dtype_name = "Q8_0", .shape = shape};
  tensor.blocks = find_block_format(8);
  for (std::int64_t i = 0; i < tensor.elements(); ++i) {
    if (i % 32 == 0) bytes += le_bytes(0x3c00, 2);
    bytes += static_cast<char>(i - 20);
  }
  tensor.bytes = as_bytes(bytes);
  return tensor;
}

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
  std::string bytes;
  const FileTensor tensor = counting_q8({2, 64}, bytes);
  const StoredRows rows(tensor, 0, 2, 64);
  EXPECT_THAT(decoded(rows), ElementsAreArray(counting(0, 128)));
  EXPECT_THAT(decoded(rows.row_range(1, 1)), ElementsAreArray(counting(64, 64)));
  EXPECT_EQ(rows.row_range(1, 1).bytes().data(), tensor.bytes.data() + 68);
}

// A tensor whose shape was changed for the file's sake (comfy.gguf.orig_shape).
TEST(StoredRows, DecodeRowsThatBeginAndEndInsideBlocks) {
  std::string bytes;
  const FileTensor tensor = counting_q8({4, 24}, bytes);
  const StoredRows rows(tensor, 0, 4, 24);
  for (std::int64_t first = 0; first < 4; ++first)
    for (std::int64_t count = 1; first + count <= 4; ++count)
      EXPECT_THAT(decoded(rows.row_range(first, count)),
                  ElementsAreArray(counting(24 * first, static_cast<std::size_t>(24 * count))))
          << first << "+" << count;
  EXPECT_THAT(decoded(rows.row_range(1, 3).row_range(1, 2).row_range(1, 1)),
              ElementsAreArray(counting(72, 24)));
}

TEST(StoredRows, TouchOnlyTheBlocksThatHoldThem) {
  std::string bytes;
  const FileTensor tensor = counting_q8({4, 24}, bytes);
  const StoredRows rows(tensor, 0, 4, 24);
  EXPECT_EQ(rows.row_range(0, 1).bytes().size(), 34u);  // 24 of the first 32
  EXPECT_EQ(rows.row_range(1, 1).bytes().size(), 68u);  // 24 to 47: two blocks
  EXPECT_EQ(rows.row_range(3, 1).bytes().size(), 34u);  // 72 to 95: the third
  EXPECT_EQ(rows.row_range(2, 0).bytes().size(), 0u);
}

TEST(StoredRows, WidenEveryElementType) {
  const std::array<float, 2> f32 = {1.5f, -2.0f};
  const std::array<std::uint16_t, 2> bf16 = {0x3fc0, 0xc000};
  const std::array<std::uint16_t, 2> f16 = {0x3e00, 0xc000};
  const auto rows = [](DType dtype, std::span<const std::byte> bytes) {
    const FileTensor tensor{.name = "x", .dtype = dtype, .shape = {2}, .bytes = bytes};
    return StoredRows(tensor, 0, 1, 2);
  };
  EXPECT_THAT(decoded(rows(DType::f32, std::as_bytes(std::span(f32)))), ElementsAre(1.5f, -2.0f));
  EXPECT_THAT(decoded(rows(DType::bf16, std::as_bytes(std::span(bf16)))), ElementsAre(1.5f, -2.0f));
  EXPECT_THAT(decoded(rows(DType::f16, std::as_bytes(std::span(f16)))), ElementsAre(1.5f, -2.0f));
}

TEST(StoredRows, RoundToNearestEvenWhereBf16IsWanted) {
  std::string bytes = le_bytes(0x3c08, 2);  // scale 1 + 1/128
  const std::array<char, 3> quotients = {1, 3, 5};
  bytes.append(quotients.begin(), quotients.end());
  bytes.resize(34);
  FileTensor tensor{.name = "x", .dtype_name = "Q8_0", .shape = {32}, .bytes = as_bytes(bytes)};
  tensor.blocks = find_block_format(8);
  Tensor out(1, 32, DType::bf16);
  decode_rows(StoredRows(tensor, 0, 1, 32), out);
  const Bf16* values = out.row<Bf16>(0);
  EXPECT_EQ(to_float(values[0]), 1 + 1.0f / 128);  // exact
  EXPECT_EQ(to_float(values[1]), 3 + 2.0f / 64);   // 3 + 1.5/64, in the middle
  EXPECT_EQ(to_float(values[2]), 5 + 1.0f / 32);   // 5 + 1.25/32
}

}  // namespace
}  // namespace imagined::engine

#include "engine/tensor/stored_scales.h"

#include <gmock/gmock.h>

#include <numeric>

namespace imagined::engine {
namespace {

using ::testing::ElementsAre;

std::vector<float> ones(std::size_t count) { return std::vector<float>(count, 1.0f); }

std::vector<std::byte> counting_bytes(std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(i % 251);
  return bytes;
}

TEST(StoredScales, GiveEveryRowItsFactorAndOffsetWhereverARunBegins) {
  const StoredScales scales{.cols = 3, .rows = {2, 4, 8}, .offsets = {0, 1, 0.5f}};
  std::vector<float> values = ones(5);
  apply_scales(scales, 2, 5, values.data());  // the last of row 0, row 1, the first of row 2
  EXPECT_THAT(values, ElementsAre(2, 5, 5, 5, 8.5f));
}

TEST(StoredScales, OneFactorIsEveryRows) {
  const StoredScales scales{.cols = 2, .rows = {0.5f}};
  std::vector<float> values = ones(4);
  apply_scales(scales, 0, 4, values.data());
  EXPECT_THAT(values, ElementsAre(0.5f, 0.5f, 0.5f, 0.5f));
}

TEST(StoredScales, GroupsOfARowHaveFactorsBesideTheRows) {
  const std::vector<std::byte> factors = counting_bytes(4);  // 0 1 | 2 3
  const StoredScales scales{
      .cols = 4, .rows = {10}, .group = 2, .groups = factors, .group_type = find_stored_type("U8")};
  EXPECT_EQ(scales.group_bytes(2), 4);
  std::vector<float> values = ones(6);
  apply_scales(scales, 1, 6, values.data());
  EXPECT_THAT(values, ElementsAre(0, 10, 10, 20, 20, 30));
}

// Where cuBLAS keeps the factor of a row and a group: in tiles of 512 bytes, each for 128 rows and
// 4 groups, in which the rows r, r + 32, r + 64 and r + 96 share a line of 16.
TEST(StoredScales, TiledGroupsLieAsTensorCoresReadThem) {
  constexpr std::int64_t kRows = 130;
  constexpr std::int64_t kGroups = 5;
  const std::vector<std::byte> factors = counting_bytes(2 * 2 * 512);
  const StoredScales scales{.cols = kGroups,
                            .group = 1,
                            .groups = factors,
                            .group_type = find_stored_type("U8"),
                            .tiled = true};
  EXPECT_EQ(scales.group_bytes(kRows), 2 * 2 * 512);
  std::vector<float> values = ones(kRows * kGroups);
  apply_scales(scales, 0, kRows * kGroups, values.data());
  const auto at = [&](std::int64_t row, std::int64_t group) {
    return values[static_cast<std::size_t>(row * kGroups + group)];
  };
  EXPECT_EQ(at(0, 0), 0);
  EXPECT_EQ(at(0, 3), 3);
  EXPECT_EQ(at(1, 0), 16);
  EXPECT_EQ(at(32, 0), 4);
  EXPECT_EQ(at(97, 2), 16 + 12 + 2);
  EXPECT_EQ(at(0, 4), 512 % 251);
  EXPECT_EQ(at(129, 4), (3 * 512 + 16) % 251);
}

}  // namespace
}  // namespace imagined::engine

#include "engine/tensor/matrix.h"

#include <gtest/gtest.h>

#include "engine/tensor/element.h"

namespace imagined::engine {
namespace {

TEST(Tensor, IsAlignedToACacheLineAndZeroWhenAsked) {
  for (const std::int64_t cols : {1, 3, 17, 3'000'000}) {
    const Tensor tensor = Tensor::zeros(2, cols);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(tensor.row(0)) % 64, 0u);
    EXPECT_EQ(tensor.row(0)[0], 0.0f);
    EXPECT_EQ(tensor.row(1)[cols - 1], 0.0f);
  }
}

TEST(Tensor, OfNoRowsIsNotEmptyButHasNoElements) {
  const Tensor tensor(0, 5);
  EXPECT_EQ(tensor.values().size(), 0u);
  EXPECT_FALSE(tensor.empty());
  EXPECT_TRUE(Tensor().empty());
}

TEST(MatrixView, PartsKeepTheStrideOfTheWhole) {
  Tensor tensor(4, 6);
  for (int i = 0; i < 24; ++i) tensor.row(0)[i] = static_cast<float>(i);
  const MatrixView part = tensor.view().row_range(1, 2).col_range(3, 2);
  EXPECT_EQ(part.rows, 2);
  EXPECT_EQ(part.cols, 2);
  EXPECT_EQ(part.row<float>(0)[0], 9.0f);
  EXPECT_EQ(part.row<float>(1)[1], 16.0f);
}

TEST(MatrixViewDeathTest, RefusesPartsOutsideOfTheWhole) {
  Tensor tensor(4, 6);
  EXPECT_DEATH(tensor.view().row_range(3, 2), "rows 3\\+2 of 4");
  EXPECT_DEATH(tensor.view().col_range(-1, 2), "cols -1\\+2 of 6");
}

TEST(Element, ReadsEveryStoredTypeFromUnalignedBytes) {
  std::byte bytes[9] = {};
  const float one = 1.5f;
  std::memcpy(bytes + 1, &one, 4);
  EXPECT_EQ(read_element(ConstMatrixView(bytes + 1, DType::f32, 1, 1), 0, 0), 1.5f);
  const std::uint16_t words[] = {to_bf16(-2.0f).bits, 0x3c00};
  std::memcpy(bytes + 5, words, 4);
  EXPECT_EQ(read_element(ConstMatrixView(bytes + 5, DType::bf16, 1, 1), 0, 0), -2.0f);
  EXPECT_EQ(read_element(ConstMatrixView(bytes + 5, DType::f16, 1, 2), 0, 1), 1.0f);
}

}  // namespace
}  // namespace imagined::engine

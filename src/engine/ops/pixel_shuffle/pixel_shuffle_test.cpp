#include "engine/ops/pixel_shuffle/pixel_shuffle.h"

#include "engine/ops/op_testing.h"

namespace imagined::engine {
namespace {
using namespace testing;  // NOLINT: the helpers of op_testing.h

TEST(PixelShuffle, OrdersChannelsAsPyTorch) {
  // torch.pixel_shuffle of [1, 8, 1, 2] with value 10 * channel + x.
  Tensor in(2, 8);
  for (std::int64_t x = 0; x < 2; ++x) {
    for (std::int64_t c = 0; c < 8; ++c) in.row(x)[c] = static_cast<float>(10 * c + x);
  }
  Tensor out(8, 2);
  pixel_shuffle(Context({.threads = 1}), {in.view(), 1, 2}, 2, {out.view(), 2, 4});
  const float expected[8][2] = {{0, 40},  {10, 50}, {1, 41},  {11, 51},
                                {20, 60}, {30, 70}, {21, 61}, {31, 71}};
  for (std::int64_t i = 0; i < 8; ++i) {
    EXPECT_EQ(out.row(i)[0], expected[i][0]) << i;
    EXPECT_EQ(out.row(i)[1], expected[i][1]) << i;
  }
}

struct Shape {
  int height;
  int width;
  int channels;
  int factor;
};

class PixelShuffleShapes : public ::testing::TestWithParam<Shape> {};

TEST_P(PixelShuffleShapes, MatchesReferenceExactly) {
  const auto [height, width, channels, factor] = GetParam();
  const Context context({.threads = 2});
  OddMatrix in(std::int64_t{height} * width, std::int64_t{channels} * factor * factor, DType::f32);
  in.fill(1);
  OddMatrix out(std::int64_t{height} * width * factor * factor, channels, DType::f32);
  OddMatrix expected(out.rows(), out.cols(), DType::f32);
  pixel_shuffle_reference({in.view(), height, width}, factor,
                          {expected.view(), height * factor, width * factor});
  on_each_target([&](const std::string& target) {
    pixel_shuffle(context, {in.view(), height, width}, factor,
                  {out.view(), height * factor, width * factor});
    expect_close(out, expected, {}, target);
    EXPECT_TRUE(out.surroundings_untouched()) << target;
  });
}

TEST_P(PixelShuffleShapes, IsUndoneByUnshuffle) {
  const auto [height, width, channels, factor] = GetParam();
  const Context context({.threads = 2});
  OddMatrix in(std::int64_t{height} * width, std::int64_t{channels} * factor * factor, DType::f32);
  in.fill(1);
  OddMatrix fine(std::int64_t{height} * width * factor * factor, channels, DType::f32);
  OddMatrix back(in.rows(), in.cols(), DType::f32);
  pixel_shuffle(context, {in.view(), height, width}, factor,
                {fine.view(), height * factor, width * factor});
  pixel_unshuffle(context, {fine.view(), height * factor, width * factor}, factor,
                  {back.view(), height, width});
  expect_close(back, in, {}, "there and back");
  EXPECT_TRUE(back.surroundings_untouched());
}

INSTANTIATE_TEST_SUITE_P(Shapes, PixelShuffleShapes,
                         ::testing::Values(Shape{1, 1, 1, 1}, Shape{3, 2, 3, 2}, Shape{2, 5, 1, 3},
                                           Shape{4, 3, 32, 2}, Shape{2, 3, 3, 8},
                                           Shape{2, 2, 3, 7}));

}  // namespace
}  // namespace imagined::engine

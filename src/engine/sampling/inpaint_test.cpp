#include "engine/sampling/inpaint.h"

#include <gtest/gtest.h>

namespace imagined::engine {
namespace {

Tensor filled(std::int64_t rows, std::int64_t cols, float value) {
  Tensor tensor(rows, cols);
  for (float& element : tensor.values()) element = value;
  return tensor;
}

TEST(KeepPicture, BlendsEachTokenByItsMask) {
  Tensor latents = filled(3, 2, 8.0f);
  const float repaint[] = {0.0f, 0.5f, 1.0f};
  keep_picture(Context({.threads = 2}), filled(3, 2, 4.0f), filled(3, 2, 2.0f), 0.25f, repaint,
               latents);
  // 0.25 * 4 + 0.75 * 2 = 2.5 is kept, 8 is made.
  EXPECT_EQ(latents.values()[0], 2.5f);
  EXPECT_EQ(latents.values()[3], 5.25f);
  EXPECT_EQ(latents.values()[5], 8.0f);
}

TEST(KeepPicture, IsThePictureItselfAtTheEnd) {
  Tensor latents = filled(1, 5, 8.0f);
  const float repaint[] = {0.0f};
  keep_picture(Context({.threads = 1}), filled(1, 5, 4.0f), filled(1, 5, 2.0f), 0.0f, repaint,
               latents);
  for (const float value : latents.values()) EXPECT_EQ(value, 2.0f);
}

}  // namespace
}  // namespace imagined::engine

#include "engine/models/common/activation_pool.h"

#include <gtest/gtest.h>

#include <utility>

namespace imagined::engine {
namespace {

TEST(ActivationPool, LendsTheSameMemoryAgainAfterItCameBack) {
  ActivationPool pool;
  const void* first = pool.take(8, 8, DType::f32).view().data;
  EXPECT_EQ(pool.take(4, 8, DType::bf16).view().data, first);
}

TEST(ActivationPool, NeverLendsMemoryThatIsOut) {
  ActivationPool pool;
  ActivationPool::Loan a = pool.take(8, 8, DType::f32);
  const ActivationPool::Loan moved = std::move(a);
  const ActivationPool::Loan b = pool.take(8, 8, DType::f32);
  EXPECT_NE(moved.view().data, b.view().data);
}

TEST(ActivationPool, ReplacesASmallerPieceByALargerOne) {
  ActivationPool pool;
  { const auto small = pool.take(1, 1, DType::f32); }
  const auto large = pool.take(100, 100, DType::f32);
  EXPECT_EQ(large.view().rows, 100);
  large.view().row<float>(99)[99] = 1;  // the sanitizer would see a piece that is too short
}

}  // namespace
}  // namespace imagined::engine

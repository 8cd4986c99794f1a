#include "engine/models/common/joint_attention.h"

#include <cmath>

#include "engine/ops/attention/attention.h"

namespace imagined::engine {

void append_grid_ids(std::int64_t axes, double time, std::int64_t rows, std::int64_t cols,
                     std::vector<double>& ids) {
  CHECK(axes >= 3, "a grid in {} axes", axes);
  for (std::int64_t row = 0; row < rows; ++row) {
    for (std::int64_t col = 0; col < cols; ++col) {
      ids.insert(ids.end(), {time, static_cast<double>(row), static_cast<double>(col)});
      ids.insert(ids.end(), static_cast<std::size_t>(axes - 3), 0.0);
    }
  }
}

void norm_and_turn(const Context& context, MatrixView qkv, const HeadNorms& norms, float epsilon,
                   const RopeRows& table) {
  const std::int64_t width = qkv.cols / 3;
  const std::int64_t head_dim = norms.q.size();
  head_norm_rope(context, qkv.col_range(0, width), head_dim, norms.q, epsilon, table,
                 RopeLayout::interleaved);
  head_norm_rope(context, qkv.col_range(width, width), head_dim, norms.k, epsilon, table,
                 RopeLayout::interleaved);
}

void attend(const Context& context, ConstMatrixView queries, ConstMatrixView keys,
            std::int64_t head_dim, MatrixView out) {
  const std::int64_t width = keys.cols / 3;
  attention(context, queries.col_range(0, width), keys.col_range(width, width),
            keys.col_range(2 * width, width),
            {.head_dim = head_dim, .scale = 1.0f / std::sqrt(static_cast<float>(head_dim))}, out);
}

}  // namespace imagined::engine

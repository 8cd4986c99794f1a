#include "engine/ops/rope/rope.h"

#include <cmath>
#include <vector>

#include "engine/backend/cpu/rows.h"
#include "engine/ops/rope/rope_cpu.h"

namespace imagined::engine {

RopeTable make_rope_table(std::span<const double> ids, std::span<const int> axis_dims,
                          double theta) {
  const std::size_t axes = axis_dims.size();
  CHECK(axes > 0 && ids.size() % axes == 0, "rope: {} ids for {} axes", ids.size(), axes);
  std::vector<double> frequencies;  // of all axes, one after another
  std::vector<std::size_t> axis_of;
  for (std::size_t a = 0; a < axes; ++a) {
    CHECK(axis_dims[a] >= 0 && axis_dims[a] % 2 == 0, "rope: axis {} has {} dimensions", a,
          axis_dims[a]);
    for (int k = 0; k < axis_dims[a] / 2; ++k) {
      frequencies.push_back(std::pow(theta, -2.0 * k / axis_dims[a]));
      axis_of.push_back(a);
    }
  }
  const auto tokens = static_cast<std::int64_t>(ids.size() / axes);
  const auto pairs = static_cast<std::int64_t>(frequencies.size());
  RopeTable table{Tensor(tokens, pairs), Tensor(tokens, pairs)};
  for (std::int64_t t = 0; t < tokens; ++t) {
    const double* id = ids.data() + static_cast<std::size_t>(t) * axes;
    for (std::size_t p = 0; p < frequencies.size(); ++p) {
      const double angle = id[axis_of[p]] * frequencies[p];
      table.cos.row(t)[p] = static_cast<float>(std::cos(angle));
      table.sin.row(t)[p] = static_cast<float>(std::sin(angle));
    }
  }
  return table;
}

namespace {

/// factors  null: no norm.
void turn(const Context& context, MatrixView x, std::int64_t head_dim, const float* factors,
          float epsilon, const RopeRows& table, RopeLayout layout) {
  CHECK(x.dtype == DType::f32 || x.dtype == DType::bf16, "rope of {}", name(x.dtype));
  CHECK(head_dim > 0 && head_dim % 2 == 0 && x.cols % head_dim == 0,
        "rope: {} columns, heads of {}", x.cols, head_dim);
  CHECK(table.cos.rows == x.rows && table.cos.cols == head_dim / 2 && table.sin.rows == x.rows &&
            table.sin.cols == head_dim / 2,
        "rope: table [{}, {}] for {} tokens and heads of {}", table.cos.rows, table.cos.cols,
        x.rows, head_dim);
  for_row_pieces(context, x.rows, x.cols * 4, [&](std::int64_t first, std::int64_t count) {
    head_norm_rope_cpu(x.row_range(first, count), head_dim, factors, epsilon, table, first, layout);
  });
}

}  // namespace

void head_norm_rope(const Context& context, MatrixView x, std::int64_t head_dim,
                    ConstMatrixView weight, float epsilon, const RopeRows& table,
                    RopeLayout layout) {
  turn(context, x, head_dim, vector_values(weight, head_dim, "rope: norm weight"), epsilon, table,
       layout);
}

void rope_heads(const Context& context, MatrixView x, std::int64_t head_dim, const RopeRows& table,
                RopeLayout layout) {
  turn(context, x, head_dim, nullptr, 0, table, layout);
}

}  // namespace imagined::engine

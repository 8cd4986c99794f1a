// The slow twin, and the implementation of last resort built on it.
#include <cmath>
#include <vector>

#include "engine/ops/attention/attention_implementation.h"
#include "engine/tensor/element.h"

namespace imagined::engine {
namespace {

void reference_row(ConstMatrixView q, ConstMatrixView k, ConstMatrixView v,
                   const AttentionOptions& options, MatrixView out, std::int64_t row) {
  const std::int64_t d = options.head_dim;
  const std::int64_t keys = visible_keys(options, row, k.rows);
  const std::int64_t group = q.cols / k.cols;
  std::vector<double> weights(static_cast<std::size_t>(keys));
  for (std::int64_t h = 0; h < q.cols / d; ++h) {
    const std::int64_t g = h / group;
    double maximum = -std::numeric_limits<double>::infinity();
    for (std::int64_t j = 0; j < keys; ++j) {
      double score = 0;
      for (std::int64_t c = 0; c < d; ++c) {
        score +=
            static_cast<double>(read_element(q, row, h * d + c)) * read_element(k, j, g * d + c);
      }
      score *= options.scale;
      if (options.relative_bias.data != nullptr) {
        score += options.relative_bias.row<float>(h)[q.rows - 1 + j - row];
      }
      weights[static_cast<std::size_t>(j)] = score;
      maximum = std::max(maximum, score);
    }
    double sum = 0;
    for (double& weight : weights) sum += weight = std::exp(weight - maximum);
    for (std::int64_t c = 0; c < d; ++c) {
      double value = 0;
      for (std::int64_t j = 0; j < keys; ++j) {
        value += weights[static_cast<std::size_t>(j)] * read_element(v, j, g * d + c);
      }
      write_element(out, row, h * d + c, static_cast<float>(value / sum));
    }
  }
}

void run_reference(const Context& context, ConstMatrixView q, ConstMatrixView k, ConstMatrixView v,
                   const AttentionOptions& options, MatrixView out) {
  context.pool().parallel_for(q.rows, 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t row = begin; row < end; ++row) reference_row(q, k, v, options, out, row);
  });
}

}  // namespace

void attention_reference(ConstMatrixView q, ConstMatrixView k, ConstMatrixView v,
                         const AttentionOptions& options, MatrixView out) {
  for (std::int64_t row = 0; row < q.rows; ++row) reference_row(q, k, v, options, out, row);
}

const AttentionImplementation kAttentionReference = {
    .name = "reference",
    .runs_on = [](const CpuFeatures&, DType) { return true; },
    .run = run_reference,
};

}  // namespace imagined::engine

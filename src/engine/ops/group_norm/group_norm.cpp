#include "engine/ops/group_norm/group_norm.h"

#include <cmath>
#include <vector>

#include "engine/backend/cpu/rows.h"
#include "engine/ops/group_norm/group_norm_cpu.h"

namespace imagined::engine {
namespace {

/// Sums of a block of pixels, per channel: first the sums, then the squares.
/// Blocks have a fixed number of pixels, so that the order of additions does not depend on the
/// number of threads; 256 KiB each keeps their sums small beside the picture.
std::vector<double> channel_sums(const Context& context, const ConstMatrixView& pixels) {
  const std::int64_t channels = pixels.cols;
  const std::int64_t block_rows = std::max<std::int64_t>(1, 256 * 1024 / (channels * 4));
  const std::int64_t blocks = (pixels.rows + block_rows - 1) / block_rows;
  const auto width = static_cast<std::size_t>(2 * channels);
  std::vector<double> partial(static_cast<std::size_t>(blocks) * width);
  context.pool().parallel_for(blocks, 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t b = begin; b < end; ++b) {
      const std::int64_t first = b * block_rows;
      double* sums = partial.data() + static_cast<std::size_t>(b) * width;
      column_sums_cpu(pixels.row_range(first, std::min(block_rows, pixels.rows - first)), sums,
                      sums + channels);
    }
  });
  std::vector<double> total(width);
  for (std::size_t i = 0; i < partial.size(); ++i) total[i % width] += partial[i];
  return total;
}

struct Affine {
  std::vector<float> scale;
  std::vector<float> shift;
};

/// The statistics of the groups, folded with weight and bias into one factor and one summand per
/// channel.
Affine fold(const std::vector<double>& sums, std::int64_t pixels, const float* weight,
            const float* bias, const GroupNormOptions& options) {
  const std::size_t channels = sums.size() / 2;
  const std::size_t group_channels = channels / static_cast<std::size_t>(options.groups);
  const double count = static_cast<double>(pixels) * static_cast<double>(group_channels);
  Affine affine{std::vector<float>(channels), std::vector<float>(channels)};
  for (std::size_t first = 0; first < channels; first += group_channels) {
    double sum = 0;
    double squares = 0;
    for (std::size_t c = first; c < first + group_channels; ++c) {
      sum += sums[c];
      squares += sums[channels + c];
    }
    const double mean = sum / count;
    const double variance = std::max(0.0, squares / count - mean * mean);
    const double inverse = 1.0 / std::sqrt(variance + static_cast<double>(options.epsilon));
    for (std::size_t c = first; c < first + group_channels; ++c) {
      affine.scale[c] = static_cast<float>(weight[c] * inverse);
      affine.shift[c] = static_cast<float>(bias[c] - mean * weight[c] * inverse);
    }
  }
  return affine;
}

}  // namespace

void group_norm(const Context& context, ConstImageView in, ConstMatrixView weight,
                ConstMatrixView bias, const GroupNormOptions& options, ImageView out) {
  const ConstMatrixView& x = in.pixels;
  const MatrixView& y = out.pixels;
  CHECK(x.dtype == DType::f32 || x.dtype == DType::bf16, "group norm of {}", name(x.dtype));
  CHECK(y.dtype == DType::f32 || y.dtype == DType::bf16, "group norm into {}", name(y.dtype));
  CHECK(in.height == out.height && in.width == out.width && x.rows == in.height * in.width &&
            y.rows == x.rows && y.cols == x.cols && x.rows > 0,
        "group norm [{}, {}, {}] into [{}, {}, {}]", in.height, in.width, x.cols, out.height,
        out.width, y.cols);
  CHECK(options.groups > 0 && x.cols % options.groups == 0, "group norm: {} channels in {} groups",
        x.cols, options.groups);
  const float* const factors = vector_values(weight, x.cols, "group norm: weight");
  const float* const summands = vector_values(bias, x.cols, "group norm: bias");
  const Affine affine = fold(channel_sums(context, x), x.rows, factors, summands, options);
  for_row_pieces(context, x.rows, x.cols * 8, [&](std::int64_t first, std::int64_t count) {
    affine_silu_cpu(x.row_range(first, count), affine.scale.data(), affine.shift.data(),
                    options.silu, y.row_range(first, count));
  });
}

}  // namespace imagined::engine

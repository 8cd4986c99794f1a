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

}  // namespace

GroupNorm::GroupNorm(const Context& context, ConstImageView in, ConstMatrixView weight,
                     ConstMatrixView bias, const GroupNormOptions& options)
    : scale_(static_cast<std::size_t>(in.pixels.cols)),
      shift_(static_cast<std::size_t>(in.pixels.cols)),
      silu_(options.silu) {
  const ConstMatrixView& x = in.pixels;
  CHECK(x.dtype == DType::f32 || x.dtype == DType::bf16, "group norm of {}", name(x.dtype));
  CHECK(x.rows == in.height * in.width && x.rows > 0, "group norm of [{}, {}] in [{}, {}]",
        in.height, in.width, x.rows, x.cols);
  CHECK(options.groups > 0 && x.cols % options.groups == 0, "group norm: {} channels in {} groups",
        x.cols, options.groups);
  const float* const factors = vector_values(weight, x.cols, "group norm: weight");
  const float* const summands = vector_values(bias, x.cols, "group norm: bias");
  const std::vector<double> sums = channel_sums(context, x);
  const std::size_t channels = scale_.size();
  const std::size_t group_channels = channels / static_cast<std::size_t>(options.groups);
  const double count = static_cast<double>(x.rows) * static_cast<double>(group_channels);
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
      scale_[c] = static_cast<float>(factors[c] * inverse);
      shift_[c] = static_cast<float>(summands[c] - mean * factors[c] * inverse);
    }
  }
}

void GroupNorm::apply(const Context& context, ConstMatrixView in, MatrixView out) const {
  CHECK(out.dtype == DType::f32 || out.dtype == DType::bf16, "group norm into {}", name(out.dtype));
  CHECK(static_cast<std::size_t>(in.cols) == scale_.size() && out.cols == in.cols &&
            out.rows == in.rows,
        "group norm of {} channels of [{}, {}] into [{}, {}]", scale_.size(), in.rows, in.cols,
        out.rows, out.cols);
  for_row_pieces(context, in.rows, in.cols * 8, [&](std::int64_t first, std::int64_t count) {
    affine_silu_cpu(in.row_range(first, count), scale_.data(), shift_.data(), silu_,
                    out.row_range(first, count));
  });
}

void group_norm(const Context& context, ConstImageView in, ConstMatrixView weight,
                ConstMatrixView bias, const GroupNormOptions& options, ImageView out) {
  CHECK(in.height == out.height && in.width == out.width, "group norm {} x {} into {} x {}",
        in.width, in.height, out.width, out.height);
  GroupNorm(context, in, weight, bias, options).apply(context, in.pixels, out.pixels);
}

}  // namespace imagined::engine

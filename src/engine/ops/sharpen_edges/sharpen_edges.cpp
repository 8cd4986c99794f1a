#include "engine/ops/sharpen_edges/sharpen_edges.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "engine/backend/context.h"
#include "engine/ops/sharpen_edges/gaussian.h"
#include "engine/ops/sharpen_edges/sharpen_edges_cpu.h"

namespace imagined::engine {
namespace {

// Rows that are sharpened together: their brightness stays in a core's cache, and blurring the rows
// around them once more for the neighbours costs little.
constexpr int kBand = 64;

/// Some rows of the blurred brightness, with those above and below that their derivatives need, a
/// column more on each side.
class Band {
 public:
  Band(int width, const std::vector<float>& weights)
      : width_(static_cast<std::size_t>(width)),
        stride_(width_ + 2),
        weights_(weights),
        line_(width_ + 2 * radius()),
        across_((kBand + 2 + 2 * radius()) * width_),
        smooth_((kBand + 2) * stride_) {}

  /// Rows first to end of a picture.
  void fill(image::PictureView in, int first, int end) {
    const auto inside = [&](int y) { return std::clamp(y, 0, in.height - 1); };
    const int above = first - 1, reach = static_cast<int>(radius());
    for (int y = above - reach; y <= end + reach; ++y) {
      const auto from = static_cast<std::size_t>(inside(y)) * 3 * width_;
      blur_across(in.pixels.data() + from, across(y - above + reach));
    }
    std::vector<const float*> rows(weights_.size());
    for (int y = above; y <= end; ++y) {
      for (std::size_t k = 0; k < rows.size(); ++k)
        rows[k] = across(inside(y) - above + static_cast<int>(k));
      float* to = smooth_.data() + static_cast<std::size_t>(y - above) * stride_ + 1;
      weighted_rows_cpu(rows.data(), weights_, width_, to);
      to[-1] = to[0];
      to[width_] = to[width_ - 1];
    }
  }

  /// The n-th row that was asked for.
  const float* row(int n) const {
    return smooth_.data() + static_cast<std::size_t>(n + 1) * stride_ + 1;
  }
  std::size_t stride() const { return stride_; }

 private:
  std::size_t radius() const { return weights_.size() / 2; }
  float* across(int row) { return across_.data() + static_cast<std::size_t>(row) * width_; }

  void blur_across(const std::uint8_t* pixels, float* to) {
    brightness_cpu(pixels, width_, line_.data() + radius());
    std::fill_n(line_.begin(), radius(), line_[radius()]);
    std::fill_n(line_.end() - static_cast<std::ptrdiff_t>(radius()), radius(),
                line_[radius() + width_ - 1]);
    std::vector<const float*> shifted;
    for (std::size_t k = 0; k < weights_.size(); ++k) shifted.push_back(line_.data() + k);
    weighted_rows_cpu(shifted.data(), weights_, width_, to);
  }

  std::size_t width_;
  std::size_t stride_;
  const std::vector<float>& weights_;
  std::vector<float> line_;    // brightness of a row, which goes on beyond the border
  std::vector<float> across_;  // [rows, width], blurred along rows only
  std::vector<float> smooth_;  // [rows, stride]
};

image::Picture one_pass(const Context& context, image::PictureView in, const EdgeSharpening& how) {
  const std::vector<double> exact = gaussian_weights(how.sigma);
  const std::vector<float> weights(exact.begin(), exact.end());
  image::Picture out{.width = in.width, .height = in.height};
  out.pixels.resize(in.pixels.size());
  const std::size_t row_bytes = static_cast<std::size_t>(in.width) * 3;
  context.pool().parallel_for(in.height, kBand, [&](std::int64_t begin, std::int64_t stop, int) {
    Band band(in.width, weights);
    for (int first = static_cast<int>(begin); first < stop; first += kBand) {
      const int end = std::min(first + kBand, static_cast<int>(stop));
      band.fill(in, first, end);
      for (int y = first; y < end; ++y) {
        sharpen_row_cpu(in, y, band.row(y - first), band.stride(), how,
                        out.pixels.data() + static_cast<std::size_t>(y) * row_bytes);
      }
    }
  });
  return out;
}

}  // namespace

image::Picture sharpen_edges(const Context& context, image::PictureView in,
                             const EdgeSharpening& how) {
  CHECK(in.width >= 2 && in.height >= 2 && in.channels == 3, "sharpening of [{}, {}, {}]",
        in.height, in.width, in.channels);
  CHECK(in.pixels.size() ==
            static_cast<std::size_t>(in.width) * static_cast<std::size_t>(in.height) * 3,
        "sharpening of {} bytes", in.pixels.size());
  image::Picture picture{.width = in.width, .height = in.height};
  if (how.passes == 0) picture.pixels.assign(in.pixels.begin(), in.pixels.end());
  for (int i = 0; i < how.passes; ++i) {
    image::Picture next = one_pass(context, i == 0 ? in : picture.view(), how);
    picture = std::move(next);
  }
  return picture;
}

}  // namespace imagined::engine

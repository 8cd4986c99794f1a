#include "engine/ops/sharpen_edges/sharpen_edges.h"

#include <algorithm>

#include "base/check.h"
#include "engine/backend/cpu/rows.h"
#include "engine/ops/sharpen_edges/gaussian.h"
#include "engine/ops/sharpen_edges/sharpen_edges_cpu.h"

namespace imagined::engine {
namespace {

/// Rows [height + 2, stride] with a place before the first column, so that a pixel's neighbours are
/// there without a question.
struct Bordered {
  std::size_t stride = 0;
  std::vector<float> values;

  Bordered(std::size_t width, std::size_t height)
      : stride(width + 2 + kSharpenSlack), values((height + 2) * stride) {}
  float* row(std::size_t y) { return values.data() + (y + 1) * stride + 1; }
};

class Sharpener {
 public:
  Sharpener(const Context& context, image::PictureView in, const EdgeSharpening& how)
      : context_(context),
        how_(how),
        width_(static_cast<std::size_t>(in.width)),
        height_(static_cast<std::size_t>(in.height)),
        pixels_(width_ * height_ + kSharpenSlack),
        next_(pixels_.size()),
        across_(width_, height_),
        smooth_(width_, height_) {
    for (const double weight : gaussian_weights(how.sigma))
      weights_.push_back(static_cast<float>(weight));
    each_row(7, [&](std::size_t y) {
      const std::uint8_t* from = in.pixels.data() + y * width_ * 3;
      for (std::size_t x = 0; x < width_; ++x, from += 3) {
        pixels_[y * width_ + x] = from[0] | static_cast<std::uint32_t>(from[1]) << 8 |
                                  static_cast<std::uint32_t>(from[2]) << 16;
      }
    });
  }

  void pass() {
    blur_across();
    blur_down();
    const SharpenPass pass{.pixels = pixels_.data(),
                           .width = static_cast<std::int32_t>(width_),
                           .height = static_cast<std::int32_t>(height_),
                           .smooth = smooth_.values.data(),
                           .stride = smooth_.stride,
                           .how = how_};
    in_pieces(16, [&](std::size_t first, std::size_t end) {
      std::vector<std::uint32_t> row(width_ + kSharpenSlack);
      for (std::size_t y = first; y < end; ++y) {
        sharpen_row_cpu(pass, static_cast<std::int32_t>(y), row.data());
        std::copy_n(row.data(), width_, next_.data() + y * width_);
      }
    });
    pixels_.swap(next_);
  }

  image::Picture picture() const {
    image::Picture out{.width = static_cast<int>(width_), .height = static_cast<int>(height_)};
    out.pixels.resize(width_ * height_ * 3);
    each_row(7, [&](std::size_t y) {
      std::uint8_t* to = out.pixels.data() + y * width_ * 3;
      for (std::size_t x = 0; x < width_; ++x, to += 3) {
        const std::uint32_t word = pixels_[y * width_ + x];
        to[0] = static_cast<std::uint8_t>(word);
        to[1] = static_cast<std::uint8_t>(word >> 8);
        to[2] = static_cast<std::uint8_t>(word >> 16);
      }
    });
    return out;
  }

 private:
  template <class Task>
  void in_pieces(std::size_t bytes_per_pixel, const Task& task) const {
    for_row_pieces(context_, static_cast<std::int64_t>(height_),
                   static_cast<std::int64_t>(width_ * bytes_per_pixel),
                   [&](std::int64_t first, std::int64_t count) {
                     task(static_cast<std::size_t>(first), static_cast<std::size_t>(first + count));
                   });
  }
  template <class Task>
  void each_row(std::size_t bytes_per_pixel, const Task& task) const {
    in_pieces(bytes_per_pixel, [&](std::size_t first, std::size_t end) {
      for (std::size_t y = first; y < end; ++y) task(y);
    });
  }
  std::size_t radius() const { return weights_.size() / 2; }

  void blur_across() {
    in_pieces(8, [&](std::size_t first, std::size_t end) {
      const std::size_t before = radius();
      std::vector<float> row(width_ + 2 * before + kSharpenSlack);
      std::vector<const float*> shifted;
      for (std::size_t k = 0; k < weights_.size(); ++k) shifted.push_back(row.data() + k);
      for (std::size_t y = first; y < end; ++y) {
        brightness_cpu(pixels_.data() + y * width_, width_, row.data() + before);
        std::fill_n(row.data(), before, row[before]);
        std::fill_n(row.data() + before + width_, before, row[before + width_ - 1]);
        weighted_rows_cpu(shifted.data(), weights_, width_, across_.row(y));
      }
    });
  }

  void blur_down() {
    in_pieces(8, [&](std::size_t first, std::size_t end) {
      std::vector<const float*> rows(weights_.size());
      for (std::size_t y = first; y < end; ++y) {
        for (std::size_t k = 0; k < rows.size(); ++k) {
          const std::size_t low = std::min(y + k, height_ - 1 + radius());
          rows[k] = across_.row(low < radius() ? 0 : low - radius());
        }
        float* to = smooth_.row(y);
        weighted_rows_cpu(rows.data(), weights_, width_, to);
        to[-1] = to[0];
        to[width_] = to[width_ - 1];
      }
    });
    const std::size_t columns = width_ + 2;
    std::copy_n(smooth_.row(0) - 1, columns, smooth_.row(0) - 1 - smooth_.stride);
    std::copy_n(smooth_.row(height_ - 1) - 1, columns, smooth_.row(height_) - 1);
  }

  const Context& context_;
  EdgeSharpening how_;
  std::size_t width_;
  std::size_t height_;
  std::vector<std::uint32_t> pixels_, next_;  // [height, width], red in the lowest byte
  Bordered across_, smooth_;                  // brightness, blurred in one direction and in both
  std::vector<float> weights_;
};

}  // namespace

image::Picture sharpen_edges(const Context& context, image::PictureView in,
                             const EdgeSharpening& how) {
  CHECK(in.width >= 2 && in.height >= 2 && in.channels == 3, "sharpening of [{}, {}, {}]",
        in.height, in.width, in.channels);
  CHECK(in.pixels.size() ==
            static_cast<std::size_t>(in.width) * static_cast<std::size_t>(in.height) * 3,
        "sharpening of {} bytes", in.pixels.size());
  Sharpener sharpener(context, in, how);
  for (int i = 0; i < how.passes; ++i) sharpener.pass();
  return sharpener.picture();
}

}  // namespace imagined::engine

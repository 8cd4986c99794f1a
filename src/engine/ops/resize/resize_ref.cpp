#include <algorithm>

#include "engine/ops/resize/lanczos_weights.h"
#include "engine/ops/resize/premultiply.h"
#include "engine/ops/resize/resize.h"

namespace imagined::engine {
namespace {

/// The weighted sum of a window whose values lie `stride` bytes apart.
std::uint8_t weighted(const std::uint8_t* from, std::int64_t stride,
                      const LanczosWeights::Window& window) {
  std::int32_t sum = 1 << (kLanczosBits - 1);
  for (int k = 0; k < window.count; ++k) {
    sum += from[(window.first + k) * stride] * window.weights[k];
  }
  return static_cast<std::uint8_t>(std::clamp(sum >> kLanczosBits, 0, 255));
}

struct SlowRaster {
  std::vector<std::uint8_t> bytes;
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::int64_t channels = 0;
};

SlowRaster across(const SlowRaster& in, int width) {
  const LanczosWeights weights = make_lanczos_weights(static_cast<int>(in.width), width);
  SlowRaster out{.width = width, .height = in.height, .channels = in.channels};
  for (std::int64_t y = 0; y < in.height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (std::int64_t c = 0; c < in.channels; ++c) {
        out.bytes.push_back(weighted(in.bytes.data() + y * in.width * in.channels + c, in.channels,
                                     weights.window(x)));
      }
    }
  }
  return out;
}

SlowRaster down(const SlowRaster& in, int height) {
  const LanczosWeights weights = make_lanczos_weights(static_cast<int>(in.height), height);
  const std::int64_t row_bytes = in.width * in.channels;
  SlowRaster out{.width = in.width, .height = height, .channels = in.channels};
  for (int y = 0; y < height; ++y) {
    for (std::int64_t i = 0; i < row_bytes; ++i) {
      out.bytes.push_back(weighted(in.bytes.data() + i, row_bytes, weights.window(y)));
    }
  }
  return out;
}

}  // namespace

std::vector<std::uint8_t> resize_lanczos_reference(image::PictureView in, int width, int height) {
  const auto pixels = static_cast<std::size_t>(in.width) * static_cast<std::size_t>(in.height);
  SlowRaster raster{{in.pixels.begin(), in.pixels.end()}, in.width, in.height, in.channels};
  if (in.width == width && in.height == height) return raster.bytes;
  if (in.channels == 4) premultiply(in.pixels.data(), pixels, raster.bytes.data());
  if (resamples_down_first(in, width, height)) {
    raster = across(down(raster, height), width);
  } else {
    raster = down(across(raster, width), height);
  }
  if (in.channels == 4) unpremultiply(raster.bytes.data(), raster.bytes.size() / 4);
  return raster.bytes;
}

}  // namespace imagined::engine

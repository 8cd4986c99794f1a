#include "engine/ops/resize/resize.h"

#include <cstring>

#include "engine/backend/cpu/rows.h"
#include "engine/ops/resize/lanczos_weights.h"
#include "engine/ops/resize/premultiply.h"
#include "engine/ops/resize/resize_cpu.h"

namespace imagined::engine {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Raster {
  const std::uint8_t* data = nullptr;
  std::size_t width = 0;
  std::size_t height = 0;
  std::size_t channels = 0;

  std::size_t row_bytes() const { return width * channels; }
};

/// task(y) for every row, shared out among the threads.
template <class Task>
void for_each_row(const Context& context, std::size_t rows, std::size_t bytes_per_row,
                  const Task& task) {
  for_row_pieces(context, static_cast<std::int64_t>(rows), static_cast<std::int64_t>(bytes_per_row),
                 [&](std::int64_t first, std::int64_t count) {
                   for (std::int64_t y = first; y < first + count; ++y) {
                     task(static_cast<std::size_t>(y));
                   }
                 });
}

Bytes resample_across(const Context& context, const Raster& in, int width) {
  const LanczosWeights weights = make_lanczos_weights(static_cast<int>(in.width), width);
  const std::size_t out_row = static_cast<std::size_t>(width) * in.channels;
  Bytes out(out_row * in.height);
  for_row_pieces(context, static_cast<std::int64_t>(in.height),
                 static_cast<std::int64_t>(in.row_bytes() + out_row),
                 [&](std::int64_t first, std::int64_t count) {
                   Bytes wide(in.width * 4);  // the kernel reads 4 bytes a pixel
                   Bytes row(out_row + 1);    // and may write one byte too many
                   for (auto y = static_cast<std::size_t>(first);
                        y < static_cast<std::size_t>(first + count); ++y) {
                     const std::uint8_t* from = in.data + y * in.row_bytes();
                     if (in.channels == 3) {
                       for (std::size_t x = 0; x < in.width; ++x)
                         std::memcpy(&wide[4 * x], from + 3 * x, 3);
                       from = wide.data();
                     }
                     resample_row_cpu(from, weights, static_cast<int>(in.channels), row.data());
                     std::memcpy(out.data() + y * out_row, row.data(), out_row);
                   }
                 });
  return out;
}

Bytes resample_down(const Context& context, const Raster& in, int height) {
  const LanczosWeights weights = make_lanczos_weights(static_cast<int>(in.height), height);
  Bytes out(in.row_bytes() * static_cast<std::size_t>(height));
  for_each_row(context, static_cast<std::size_t>(height), 2 * in.row_bytes(), [&](std::size_t y) {
    blend_rows_cpu(in.data, in.row_bytes(), weights.window(static_cast<int>(y)), in.row_bytes(),
                   out.data() + y * in.row_bytes());
  });
  return out;
}

}  // namespace

std::vector<std::uint8_t> resize_lanczos(const Context& context, image::PictureView in, int width,
                                         int height) {
  CHECK(in.width > 0 && in.height > 0 && width > 0 && height > 0 &&
            (in.channels == 3 || in.channels == 4),
        "resize [{}, {}, {}] to [{}, {}]", in.height, in.width, in.channels, height, width);
  CHECK(in.pixels.size() == static_cast<std::size_t>(in.width) *
                                static_cast<std::size_t>(in.height) *
                                static_cast<std::size_t>(in.channels),
        "resize of {} bytes", in.pixels.size());
  Raster raster{in.pixels.data(), static_cast<std::size_t>(in.width),
                static_cast<std::size_t>(in.height), static_cast<std::size_t>(in.channels)};
  Bytes pixels;
  const auto take = [&](Bytes&& result, int new_width, int new_height) {
    pixels = std::move(result);
    raster = {pixels.data(), static_cast<std::size_t>(new_width),
              static_cast<std::size_t>(new_height), raster.channels};
  };
  if (in.width == width && in.height == height) {  // a copy: alpha takes no round trip
    return {in.pixels.begin(), in.pixels.end()};
  }
  if (in.channels == 4) {
    Bytes multiplied(raster.row_bytes() * raster.height);
    for_each_row(context, raster.height, 2 * raster.row_bytes(), [&](std::size_t y) {
      const std::size_t at = y * raster.row_bytes();
      premultiply(raster.data + at, raster.width, multiplied.data() + at);
    });
    take(std::move(multiplied), in.width, in.height);
  }
  const bool down_first = resamples_down_first(in, width, height);
  if (down_first) take(resample_down(context, raster, height), in.width, height);
  if (in.width != width) {
    const int rows = static_cast<int>(raster.height);
    take(resample_across(context, raster, width), width, rows);
  }
  if (!down_first && in.height != height) {
    take(resample_down(context, raster, height), width, height);
  }
  if (in.channels == 4) {
    for_each_row(context, raster.height, raster.row_bytes(), [&](std::size_t y) {
      unpremultiply(pixels.data() + y * raster.row_bytes(), raster.width);
    });
  }
  return pixels;
}

}  // namespace imagined::engine

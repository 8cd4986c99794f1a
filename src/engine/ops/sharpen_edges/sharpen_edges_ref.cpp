#include <algorithm>
#include <cmath>

#include "engine/ops/sharpen_edges/gaussian.h"
#include "engine/ops/sharpen_edges/sharpen_edges.h"

namespace imagined::engine {
namespace {

/// A plane of numbers that goes on behind its border.
struct Plane {
  int width = 0;
  int height = 0;
  std::vector<double> values;

  double at(int x, int y) const {
    const int column = std::clamp(x, 0, width - 1), row = std::clamp(y, 0, height - 1);
    return values[static_cast<std::size_t>(row) * static_cast<std::size_t>(width) +
                  static_cast<std::size_t>(column)];
  }
};

Plane channel(image::PictureView in, std::size_t which) {
  Plane plane{in.width, in.height, {}};
  for (std::size_t i = which; i < in.pixels.size(); i += 3) plane.values.push_back(in.pixels[i]);
  return plane;
}

Plane blurred(const Plane& in, double sigma) {
  const std::vector<double> weights = gaussian_weights(sigma);
  const int radius = static_cast<int>(weights.size() / 2);
  Plane out{in.width, in.height, {}};
  for (int y = 0; y < in.height; ++y) {
    for (int x = 0; x < in.width; ++x) {
      double sum = 0;
      for (int v = -radius; v <= radius; ++v) {
        for (int u = -radius; u <= radius; ++u) {
          sum += weights[static_cast<std::size_t>(v + radius)] *
                 weights[static_cast<std::size_t>(u + radius)] * in.at(x + u, y + v);
        }
      }
      out.values.push_back(sum);
    }
  }
  return out;
}

struct Offset {
  double x = 0;
  double y = 0;
};

Offset away_from_edge(const Plane& g, int x, int y, const EdgeSharpening& how) {
  const double gx = (g.at(x + 1, y) - g.at(x - 1, y)) / 2;
  const double gy = (g.at(x, y + 1) - g.at(x, y - 1)) / 2;
  const double gxx = g.at(x + 1, y) - 2 * g.at(x, y) + g.at(x - 1, y);
  const double gyy = g.at(x, y + 1) - 2 * g.at(x, y) + g.at(x, y - 1);
  const double gxy =
      (g.at(x + 1, y + 1) + g.at(x - 1, y - 1) - g.at(x + 1, y - 1) - g.at(x - 1, y + 1)) / 4;
  const double square = gx * gx + gy * gy;
  if (square == 0) return {};
  const double slope = std::sqrt(square);
  const double bend = (gx * gx * gxx + 2 * gx * gy * gxy + gy * gy * gyy) / square;
  const double side = std::clamp(-2 * how.sigma * how.sigma * bend / slope, -1.0, 1.0);
  const double length = how.reach * side * square / (square + how.weak * how.weak);
  return {length * gx / slope, length * gy / slope};
}

double between(const Plane& plane, double x, double y) {
  x = std::clamp(x, 0.0, plane.width - 1.0);
  y = std::clamp(y, 0.0, plane.height - 1.0);
  const int left = static_cast<int>(x), top = static_cast<int>(y);
  const double right = x - left, low = y - top;
  return (plane.at(left, top) * (1 - right) + plane.at(left + 1, top) * right) * (1 - low) +
         (plane.at(left, top + 1) * (1 - right) + plane.at(left + 1, top + 1) * right) * low;
}

image::Picture one_pass(image::PictureView in, const EdgeSharpening& how) {
  const Plane planes[] = {channel(in, 0), channel(in, 1), channel(in, 2)};
  Plane brightness{in.width, in.height, {}};
  for (std::size_t i = 0; i < planes[0].values.size(); ++i) {
    brightness.values.push_back(0.299 * planes[0].values[i] + 0.587 * planes[1].values[i] +
                                0.114 * planes[2].values[i]);
  }
  const Plane smooth = blurred(brightness, how.sigma);
  image::Picture out{.width = in.width, .height = in.height};
  for (int y = 0; y < in.height; ++y) {
    for (int x = 0; x < in.width; ++x) {
      const Offset offset = away_from_edge(smooth, x, y, how);
      for (const Plane& plane : planes) {
        const double value = between(plane, x + offset.x, y + offset.y);
        out.pixels.push_back(static_cast<std::uint8_t>(std::lround(value)));
      }
    }
  }
  return out;
}

}  // namespace

image::Picture sharpen_edges_reference(image::PictureView in, const EdgeSharpening& how) {
  image::Picture picture{
      .width = in.width, .height = in.height, .pixels = {in.pixels.begin(), in.pixels.end()}};
  for (int i = 0; i < how.passes; ++i) picture = one_pass(picture.view(), how);
  return picture;
}

}  // namespace imagined::engine

// The slow twin, and the implementation of last resort built on it.
#include "engine/ops/conv2d/conv2d_implementation.h"
#include "engine/tensor/element.h"

namespace imagined::engine {
namespace {

struct Problem {
  ConstImageView in;
  ConstMatrixView weight;
  std::int64_t kernel = 0;
  ConstMatrixView bias;
  ConvGeometry geometry;
  ImageView out;
  const ConstImageView* residual = nullptr;
  std::int64_t first_row = 0;  // of the whole result, where `out` begins
};

double filter_at(const Problem& p, std::int64_t y, std::int64_t x, std::int64_t o) {
  const std::int64_t channels = p.in.pixels.cols;
  const ConvGeometry& g = p.geometry;
  double sum = 0;
  for (std::int64_t dy = 0; dy < p.kernel; ++dy) {
    const std::int64_t sy = y * g.stride + dy - g.before;
    if (sy < 0 || sy >= p.in.height * g.enlarge) continue;
    for (std::int64_t dx = 0; dx < p.kernel; ++dx) {
      const std::int64_t sx = x * g.stride + dx - g.before;
      if (sx < 0 || sx >= p.in.width * g.enlarge) continue;
      const std::int64_t pixel = sy / g.enlarge * p.in.width + sx / g.enlarge;
      for (std::int64_t i = 0; i < channels; ++i) {
        sum += static_cast<double>(read_element(p.in.pixels, pixel, i)) *
               read_element(p.weight, o, (i * p.kernel + dy) * p.kernel + dx);
      }
    }
  }
  return sum;
}

void reference_row(const Problem& p, std::int64_t y) {
  for (std::int64_t x = 0; x < p.out.width; ++x) {
    const std::int64_t pixel = y * p.out.width + x;
    for (std::int64_t o = 0; o < p.out.pixels.cols; ++o) {
      double value = filter_at(p, p.first_row + y, x, o);
      if (p.bias.data != nullptr) value += read_element(p.bias, 0, o);
      if (p.residual != nullptr) value += read_element(p.residual->pixels, pixel, o);
      write_element(p.out.pixels, pixel, o, static_cast<float>(value));
    }
  }
}

Tensor pack_rows(const Context&, ConstMatrixView weight, std::int64_t, std::int64_t,
                 WeightFormat format) {
  Tensor rows(weight.rows, weight.cols, element_type(format));
  for (std::int64_t r = 0; r < weight.rows; ++r) {
    for (std::int64_t c = 0; c < weight.cols; ++c) {
      write_element(rows, r, c, read_element(weight, r, c));
    }
  }
  return rows;
}

void run_reference(const Context& context, ConstImageView in, const PackedConv& conv,
                   ConvShape shape, ImageView out, const ConvOptions& options) {
  const Problem problem{.in = in,
                        .weight = conv.layout().panels,
                        .kernel = conv.kernel(),
                        .bias = conv.layout().bias,
                        .geometry = conv_geometry(shape, conv.kernel(), in.height, in.width),
                        .out = out,
                        .residual = options.residual,
                        .first_row = options.first_row};
  context.pool().parallel_for(out.height, 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t y = begin; y < end; ++y) reference_row(problem, y);
  });
}

}  // namespace

void conv2d_reference(ConstImageView in, ConstMatrixView weight, std::int64_t kernel,
                      ConstMatrixView bias, ConvShape shape, ImageView out,
                      const ConstImageView* residual) {
  const Problem problem{.in = in,
                        .weight = weight,
                        .kernel = kernel,
                        .bias = bias,
                        .geometry = conv_geometry(shape, kernel, in.height, in.width),
                        .out = out,
                        .residual = residual};
  for (std::int64_t y = 0; y < out.height; ++y) reference_row(problem, y);
}

const Conv2dImplementation kConv2dReference = {
    .name = "reference",
    .runs_on = [](const CpuFeatures&, WeightFormat) { return true; },
    .pack = pack_rows,
    .run = run_reference,
};

}  // namespace imagined::engine

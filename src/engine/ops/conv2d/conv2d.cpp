#include "engine/ops/conv2d/conv2d.h"

#include <algorithm>

#include "engine/backend/choose.h"
#include "engine/ops/conv2d/conv2d_implementation.h"

namespace imagined::engine {
namespace {

bool readable(DType dtype) { return dtype == DType::f32 || dtype == DType::bf16; }

void check_image(const ConstImageView& image, std::int64_t height, std::int64_t width,
                 std::int64_t channels, std::string_view what) {
  CHECK(image.height == height && image.width == width && image.pixels.cols == channels &&
            image.pixels.rows == height * width,
        "conv2d: {} is {} x {} pixels of {} channels in [{}, {}], expected {} x {} of {}", what,
        image.height, image.width, image.pixels.cols, image.pixels.rows, image.pixels.stride,
        height, width, channels);
}

std::span<const std::byte> packed_bytes(const PackedConv& conv) {
  const ConstMatrixView panels = conv.layout().panels;
  return {static_cast<const std::byte*>(panels.data),
          static_cast<std::size_t>(panels.rows * panels.cols) * size_bytes(panels.dtype)};
}

}  // namespace

ConvGeometry conv_geometry(ConvShape shape, std::int64_t kernel, std::int64_t height,
                           std::int64_t width) {
  switch (shape) {
    case ConvShape::same:
      return {.before = kernel / 2, .out_height = height, .out_width = width};
    case ConvShape::downsample:
      return {.stride = 2, .out_height = (height - 2) / 2 + 1, .out_width = (width - 2) / 2 + 1};
    case ConvShape::upsample:
      return {.enlarge = 2, .before = kernel / 2, .out_height = 2 * height, .out_width = 2 * width};
  }
  return {};
}

std::int64_t PackedConv::size_bytes() const {
  return static_cast<std::int64_t>(packed_bytes(*this).size());
}

PackedConv pack_conv(const Context& context, const StoredRows& weight, std::int64_t in_channels,
                     std::int64_t kernel, ConstMatrixView bias, WeightFormat format) {
  CHECK((kernel == 1 || kernel == 3) && in_channels > 0 && weight.rows() > 0 &&
            weight.cols() == in_channels * kernel * kernel,
        "pack_conv: weight [{}, {}] for {} channels and a kernel of {}", weight.rows(),
        weight.cols(), in_channels, kernel);
  Tensor decoded;  // a filter is small, and packing turns its axes round
  ConstMatrixView numbers;
  if (weight.is_matrix()) {
    numbers = weight.matrix();
  } else {
    decoded = Tensor(weight.rows(), weight.cols());
    decode_rows(weight, decoded);
    numbers = decoded;
  }
  auto layout = std::make_shared<PackedConv::Layout>();
  layout->implementation = &choose(context, "conv2d", conv2d_implementations(), format);
  layout->format = format;
  layout->panels = layout->implementation->pack(context, numbers, in_channels, kernel, format);
  layout->bias = Vector(weight.rows());
  if (bias.data == nullptr) {
    std::ranges::fill(layout->bias.values(), 0.0f);
  } else {
    std::copy_n(vector_values(bias, weight.rows(), "pack_conv: bias"), weight.rows(),
                layout->bias.values().begin());
  }
  return PackedConv(std::move(layout), weight.rows(), in_channels, kernel);
}

void conv2d(const Context& context, ConstImageView in, const PackedConv& conv, ConvShape shape,
            ImageView out, const ConvOptions& options) {
  CHECK(!conv.empty(), "conv2d: no filter");
  CHECK(shape != ConvShape::downsample || (conv.kernel() == 3 && in.height >= 2 && in.width >= 2),
        "conv2d: {} x {} downsampled with a kernel of {}", in.height, in.width, conv.kernel());
  check_image(in, in.height, in.width, conv.in_channels(), "in");
  const ConvGeometry geometry = conv_geometry(shape, conv.kernel(), in.height, in.width);
  CHECK(options.first_row >= 0 && options.first_row + out.height <= geometry.out_height,
        "conv2d: rows {}+{} of {}", options.first_row, out.height, geometry.out_height);
  check_image(out, out.height, geometry.out_width, conv.out_channels(), "out");
  CHECK(readable(in.pixels.dtype) && readable(out.pixels.dtype), "conv2d: in {}, out {}",
        name(in.pixels.dtype), name(out.pixels.dtype));
  if (const ConstImageView* const residual = options.residual; residual != nullptr) {
    check_image(*residual, out.height, out.width, conv.out_channels(), "residual");
    CHECK(residual->pixels.dtype == DType::f32, "conv2d: residual {}",
          name(residual->pixels.dtype));
  }
  CHECK(!context.pool().inside_task(), "conv2d: called from inside a task");
  if (out.pixels.rows == 0) return;
  conv.layout().implementation->run(context, in, conv, shape, out, options);
}

}  // namespace imagined::engine

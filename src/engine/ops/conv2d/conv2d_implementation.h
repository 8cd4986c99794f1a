// What an implementation of the convolution offers.
#pragma once

#include <span>
#include <string_view>

#include "engine/ops/conv2d/conv2d.h"

namespace imagined::engine {

struct Conv2dImplementation {
  std::string_view name;
  bool (*runs_on)(const CpuFeatures& cpu, WeightFormat format);
  /// `weight` [out, in * kernel * kernel], f32, bf16 or f16, in the order that `run` reads it.
  Tensor (*pack)(const Context& context, ConstMatrixView weight, std::int64_t in_channels,
                 std::int64_t kernel, WeightFormat format);
  void (*run)(const Context& context, ConstImageView in, const PackedConv& conv, ConvShape shape,
              ImageView out, const ConvOptions& options);
};

struct PackedConv::Layout {
  const Conv2dImplementation* implementation = nullptr;
  WeightFormat format = WeightFormat::f32;
  Tensor panels;
  Vector bias;  // [out], zeros when the filter has none
};

/// How a `ConvShape` maps output pixels to input pixels: the input is first enlarged by `enlarge`
/// (nearest neighbour), then read at y * stride + dy - before, zeros outside.
struct ConvGeometry {
  std::int64_t enlarge = 1;
  std::int64_t stride = 1;
  std::int64_t before = 0;  // rows and columns of padding above and to the left
  std::int64_t out_height = 0;
  std::int64_t out_width = 0;
};
ConvGeometry conv_geometry(ConvShape shape, std::int64_t kernel, std::int64_t height,
                           std::int64_t width);

/// Those in register tiles, best first, then the one of last resort, built on the slow twin.
std::span<const Conv2dImplementation> conv2d_implementations();

extern const Conv2dImplementation kConv2dReference;

}  // namespace imagined::engine

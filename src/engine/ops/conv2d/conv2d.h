// Two-dimensional convolution of a picture in NHWC order, without im2col of the whole picture.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/backend/context.h"
#include "engine/tensor/stored_rows.h"
#include "engine/tensor/weight_format.h"

namespace imagined::engine {

/// A filter bank [out, in, kernel, kernel] with its bias, packed once at load.
class PackedConv {
 public:
  struct Layout;
  PackedConv() = default;
  PackedConv(std::shared_ptr<const Layout> layout, std::int64_t out, std::int64_t in,
             std::int64_t kernel)
      : layout_(std::move(layout)), out_(out), in_(in), kernel_(kernel) {}
  std::int64_t out_channels() const { return out_; }
  std::int64_t in_channels() const { return in_; }
  std::int64_t kernel() const { return kernel_; }  // 1 or 3
  bool empty() const { return layout_ == nullptr; }
  std::int64_t size_bytes() const;
  const Layout& layout() const { return *layout_; }

 private:
  std::shared_ptr<const Layout> layout_;
  std::int64_t out_ = 0;
  std::int64_t in_ = 0;
  std::int64_t kernel_ = 0;
};

/// weight  [out, in * kernel * kernel]  as a file holds it, in PyTorch's order [out, in, kh, kw].
/// bias    [1, out] f32, or empty for none.
/// format  of the panels, as in pack_weight.
PackedConv pack_conv(const Context& context, const StoredRows& weight, std::int64_t in_channels,
                     std::int64_t kernel, ConstMatrixView bias, WeightFormat format);

enum class ConvShape : std::uint8_t {
  same,        // stride 1, zero padding kernel / 2 on every side
  downsample,  // stride 2, zero padding of 1 at the right and the bottom only (kernel 3)
  upsample,    // the picture enlarged twofold by nearest neighbour, then `same`; never materialised
};

struct ConvOptions {
  const ConstImageView* residual = nullptr;  // as out in shape, f32; may be `out` itself
  std::int64_t first_row = 0;                // of the whole result, where `out` begins
};

/// out[y][x][o] = bias[o] + sum_{dy, dx, i} in[y'][x'][i] * weight[o][i][dy][dx]  (+
/// residual[y][x][o])
///
/// in   [h, w, in]    f32 or bf16. With a filter in bf16 and a bf16 product in the machine, f32
///                    pixels are rounded to bf16 first.
/// out  [r, w', out]  f32 or bf16; the rows first_row, ... of a result of h' rows, where h' is h,
///                    (h - 2) / 2 + 1 or 2h by `shape`; not overlapping `in`.
/// Sums in f32, in an order that depends neither on the number of threads nor on first_row.
void conv2d(const Context& context, ConstImageView in, const PackedConv& conv, ConvShape shape,
            ImageView out, const ConvOptions& options = {});

/// The slow twin, in double, over the unpacked filter.
void conv2d_reference(ConstImageView in, ConstMatrixView weight, std::int64_t kernel,
                      ConstMatrixView bias, ConvShape shape, ImageView out,
                      const ConstImageView* residual = nullptr);

}  // namespace imagined::engine

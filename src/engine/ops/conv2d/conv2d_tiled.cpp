// The convolution in register tiles; one implementation per instruction set.
//
// A piece of work is a rectangle of the result by some panels of its channels. The part of the
// picture that it needs is first copied into a band: enlarged, surrounded by zeros and in the
// tiles' own type. In a band neighbouring pixels lie at a constant distance, so the rows of a
// register tile (neighbouring pixels of one line of the result) are read in place, tap by tap; no
// patch is ever copied.
//
// The products of one output run over slices: line of the filter, then some channels; within a
// slice over the taps of the line and those channels. A slice of a panel stays in the first-level
// cache while all pixels of the piece pass by. A small filter is one slice.
#include <cstring>
#include <vector>

#include "engine/backend/cpu/round.h"
#include "engine/backend/cpu/tile/kernels.h"
#include "engine/backend/cpu/tile/panels.h"
#include "engine/ops/conv2d/conv2d_implementation.h"
#include "engine/tensor/element.h"

namespace imagined::engine {
namespace {

constexpr std::int64_t kStepsMax = 192;       // per slice: 24 KiB of a 32-column panel
constexpr std::int64_t kWholeStepsMax = 288;  // a filter of no more steps is one slice
constexpr std::int64_t kPixelsMax = 256;      // per piece
constexpr std::int64_t kColumnsMax = 64;      // per piece, when the picture has several lines
constexpr std::int64_t kPiecesPerThread = 4;  // so that one slow piece does not leave others idle

/// The order of a filter's products; decided by the filter alone.
struct Slicing {
  std::int64_t kernel = 1;
  std::int64_t channels = 0;  // of a band: those of the picture, up to whole steps
  std::int64_t chunk = 0;     // channels per slice
  std::int64_t chunks = 1;    // per line of the filter
  bool whole = false;         // all lines in one slice

  Slicing(const TileKernel& tiles, std::int64_t kernel_size, std::int64_t in_channels)
      : kernel(kernel_size), channels(round_up(in_channels, tiles.step_elements())) {
    const std::int64_t line_steps = kernel * channels / tiles.step_elements();
    whole = kernel * line_steps <= kWholeStepsMax;
    chunks = whole ? 1 : divide_up(line_steps, kStepsMax);
    chunk = round_up(divide_up(channels, chunks), tiles.step_elements());
    chunks = divide_up(channels, chunk);
  }
  std::int64_t count() const { return whole ? 1 : kernel * chunks; }
  std::int64_t elements() const { return kernel * kernel * channels; }
  std::int64_t line(std::int64_t slice) const { return slice / chunks; }
  std::int64_t first_channel(std::int64_t slice) const { return slice % chunks * chunk; }
  std::int64_t slice_channels(std::int64_t slice) const {
    return std::min(chunk, channels - first_channel(slice));
  }
  /// Elements of the packed filter before and in a slice.
  std::int64_t first_element(std::int64_t slice) const {
    return kernel * (line(slice) * channels + first_channel(slice));
  }
  std::int64_t slice_elements(std::int64_t slice) const {
    return whole ? elements() : kernel * slice_channels(slice);
  }
};

struct Plan {
  const TileKernel& kernel;
  const PackedConv& conv;
  Slicing slicing;
  PanelLayout layout;
  bool widens;  // panels hold bf16, tiles want f32
  ConvGeometry geometry;
  ConstImageView in;
  ImageView out;
  const ConvOptions& options;
  std::int64_t first_row;  // of the whole result, where `out` begins
  std::int64_t columns;    // of the result, per piece
  std::int64_t lines;      //
  std::int64_t panels;     //

  std::int64_t band_width() const { return (columns - 1) * geometry.stride + slicing.kernel; }
  std::int64_t band_height() const { return (lines - 1) * geometry.stride + slicing.kernel; }
  std::int64_t pixel_bytes() const { return slicing.channels * kernel.element_bytes(); }
  std::int64_t column_pieces() const { return divide_up(geometry.out_width, columns); }
  std::int64_t line_pieces() const { return divide_up(geometry.out_height, lines); }
  std::int64_t panel_pieces() const { return divide_up(layout.count(), panels); }
};

/// A rectangle of the result, some panels of it, and where to work.
struct Piece {
  const Plan& plan;
  std::int64_t first_line, lines;
  std::int64_t first_column, columns;
  std::int64_t first_panel, panels;
  std::byte* band;  // [band_height, band_width, channels]
  float* sums;      // [lines, columns, panel width]
  float* widened;   // a slice of a panel, when panels are widened
};

/// Copies `count` pixels of one line, from `x` of the enlarged picture on.
void copy_pixels(const Plan& plan, std::int64_t y, std::int64_t x, std::int64_t count,
                 std::byte* to) {
  const ConstMatrixView& pixels = plan.in.pixels;
  const std::int64_t enlarge = plan.geometry.enlarge;
  const std::int64_t channels = pixels.cols;
  const std::int64_t element = plan.kernel.element_bytes();
  const bool dense = enlarge == 1 && pixels.stride == channels && channels == plan.slicing.channels;
  const std::int64_t run = dense ? count : 1;
  for (std::int64_t i = 0; i < count; i += run, to += plan.pixel_bytes()) {
    const std::int64_t pixel = y / enlarge * plan.in.width + (x + i) / enlarge;
    const auto* const from =
        static_cast<const std::byte*>(pixels.data) +
        static_cast<std::size_t>(pixel * pixels.stride) * size_bytes(pixels.dtype);
    if ((pixels.dtype == DType::bf16) == plan.kernel.bf16) {
      std::memcpy(to, from, static_cast<std::size_t>(run * channels * element));
    } else if (plan.kernel.bf16) {
      plan.kernel.narrow(reinterpret_cast<const float*>(from), reinterpret_cast<std::uint16_t*>(to),
                         run * channels);
    } else {
      plan.kernel.widen(reinterpret_cast<const std::uint16_t*>(from), reinterpret_cast<float*>(to),
                        run * channels);
    }
    if (!dense) {
      std::memset(to + channels * element, 0,
                  static_cast<std::size_t>(plan.pixel_bytes() - channels * element));
    }
  }
}

void fill_band(const Piece& piece) {
  const Plan& plan = piece.plan;
  const ConvGeometry& g = plan.geometry;
  const std::int64_t height = plan.in.height * g.enlarge;
  const std::int64_t width = plan.in.width * g.enlarge;
  const std::int64_t first_x = piece.first_column * g.stride - g.before;
  const std::int64_t needed = (piece.columns - 1) * g.stride + plan.slicing.kernel;
  const std::int64_t begin = std::clamp<std::int64_t>(-first_x, 0, needed);
  const std::int64_t end = std::clamp<std::int64_t>(width - first_x, begin, needed);
  const std::int64_t rows = (piece.lines - 1) * g.stride + plan.slicing.kernel;
  for (std::int64_t r = 0; r < rows; ++r) {
    std::byte* const row = piece.band + r * plan.band_width() * plan.pixel_bytes();
    const auto clear = [&](std::int64_t from, std::int64_t to) {
      std::memset(row + from * plan.pixel_bytes(), 0,
                  static_cast<std::size_t>((to - from) * plan.pixel_bytes()));
    };
    const std::int64_t y = (plan.first_row + piece.first_line) * g.stride - g.before + r;
    if (y < 0 || y >= height) {
      clear(0, needed);
      continue;
    }
    clear(0, begin);
    copy_pixels(plan, y, first_x + begin, end - begin, row + begin * plan.pixel_bytes());
    clear(end, needed);
  }
}

const void* panel_slice(const Piece& piece, std::int64_t panel, std::int64_t slice) {
  const Plan& plan = piece.plan;
  const std::int64_t step = plan.kernel.step_elements();
  const auto* const stored = static_cast<const std::byte*>(plan.conv.layout().panels.view().data);
  const std::byte* const begin =
      stored + plan.layout.offset(panel, plan.slicing.first_element(slice) / step);
  if (!plan.widens) return begin;
  plan.kernel.widen(
      reinterpret_cast<const std::uint16_t*>(begin), piece.widened,
      plan.slicing.slice_elements(slice) * plan.layout.vectors(panel) * plan.layout.lanes);
  return piece.widened;
}

TileArgs slice_args(const Piece& piece, std::int64_t panel, std::int64_t slice) {
  const Plan& plan = piece.plan;
  const Slicing& slicing = plan.slicing;
  const std::int64_t step = plan.kernel.step_elements();
  TileArgs args{.a_row_bytes = plan.geometry.stride * plan.pixel_bytes(),
                .b = panel_slice(piece, panel, slice),
                .c_row = plan.layout.width(),
                .accumulates = slice > 0};
  if (slicing.whole) {
    args.segments = slicing.kernel;
    args.a_segment_bytes = plan.band_width() * plan.pixel_bytes();
    args.steps = slicing.kernel * slicing.channels / step;
  } else if (slicing.chunks == 1) {
    args.steps = slicing.kernel * slicing.channels / step;
  } else {
    args.segments = slicing.kernel;
    args.a_segment_bytes = plan.pixel_bytes();
    args.steps = slicing.slice_channels(slice) / step;
  }
  return args;
}

void finish_pixels(const Piece& piece, std::int64_t panel, std::int64_t line, std::int64_t column,
                   std::int64_t pixels, const float* sums) {
  const Plan& plan = piece.plan;
  const std::int64_t channel = panel * plan.layout.width();
  const std::int64_t pixel =
      (piece.first_line + line) * plan.geometry.out_width + piece.first_column + column;
  const MatrixView& out = plan.out.pixels;
  FinishArgs args{.c = sums,
                  .c_row = plan.layout.width(),
                  .rows = pixels,
                  .columns = plan.layout.columns(panel),
                  .bias = plan.conv.layout().bias.values().data() + channel,
                  .out_row = out.stride,
                  .out_bf16 = out.dtype == DType::bf16};
  args.out = static_cast<std::byte*>(out.data) +
             static_cast<std::size_t>(pixel * out.stride + channel) * size_bytes(out.dtype);
  if (const ConstImageView* const residual = plan.options.residual; residual != nullptr) {
    args.residual = residual->pixels.row<float>(pixel) + channel;
    args.residual_row = residual->pixels.stride;
  }
  plan.kernel.finish(args);
}

void run_panel(const Piece& piece, std::int64_t panel, std::int64_t slice) {
  const Plan& plan = piece.plan;
  const TileFunction* const tiles = plan.kernel.tiles[plan.layout.vectors(panel)];
  TileArgs args = slice_args(piece, panel, slice);
  const std::int64_t filter_line = plan.slicing.whole ? 0 : plan.slicing.line(slice);
  const std::byte* const band =
      piece.band + plan.slicing.first_channel(slice) * plan.kernel.element_bytes();
  const std::int64_t count = plan.kernel.tile_count(piece.columns);
  for (std::int64_t line = 0; line < piece.lines; ++line) {
    const std::int64_t band_line = line * plan.geometry.stride + filter_line;
    for (std::int64_t t = 0, column = 0, pixels = 0; t < count; ++t, column += pixels) {
      pixels = plan.kernel.tile_end(piece.columns, count, t) - column;
      args.a = band +
               (band_line * plan.band_width() + column * plan.geometry.stride) * plan.pixel_bytes();
      args.c = piece.sums + (line * plan.columns + column) * plan.layout.width();
      tiles[pixels](args);
      if (slice + 1 == plan.slicing.count()) {
        finish_pixels(piece, panel, line, column, pixels, args.c);
      }
    }
  }
}

/// A picture of one line may be any run of pixels: a 1 x 1 filter sees no neighbours.
void flatten(Plan& plan) {
  if (plan.slicing.kernel != 1 || plan.geometry.enlarge != 1) return;
  plan.in.pixels =
      plan.in.pixels.row_range(plan.first_row * plan.in.width, plan.out.height * plan.in.width);
  plan.in.height = plan.out.height;
  plan.first_row = 0;
  plan.in.width *= plan.in.height;
  plan.in.height = 1;
  plan.geometry.out_width *= plan.geometry.out_height;
  plan.geometry.out_height = 1;
}

void choose_pieces(const Context& context, Plan& plan) {
  const std::int64_t width = plan.geometry.out_width;
  const std::int64_t height = plan.geometry.out_height;
  plan.columns = divide_up(width, divide_up(width, height == 1 ? kPixelsMax : kColumnsMax));
  plan.lines = std::clamp<std::int64_t>(kPixelsMax / plan.columns, 1, height);
  plan.panels = plan.layout.count();
  const std::int64_t threads = context.pool().threads();
  const std::int64_t wanted = threads == 1 ? 1 : threads * kPiecesPerThread;
  const auto pieces = [&] {
    return plan.column_pieces() * plan.line_pieces() * plan.panel_pieces();
  };
  while (plan.lines > 1 && pieces() < wanted) plan.lines = divide_up(plan.lines, 2);
  while (plan.panels > 1 && pieces() < wanted) plan.panels = divide_up(plan.panels, 2);
}

void run_pieces(const Context& context, const Plan& plan) {
  const std::int64_t band =
      round_up(plan.band_height() * plan.band_width() * plan.pixel_bytes(), 64);
  const std::int64_t sums = plan.lines * plan.columns * plan.layout.width();
  const std::int64_t widened =
      plan.widens ? std::max(kWholeStepsMax, 2 * kStepsMax) * plan.layout.width() : 0;
  const auto room =
      static_cast<std::size_t>(band + (sums + widened) * static_cast<std::int64_t>(sizeof(float)));
  const std::int64_t count = plan.column_pieces() * plan.line_pieces() * plan.panel_pieces();
  context.pool().parallel_for(count, 1, [&](std::int64_t begin, std::int64_t end, int thread) {
    const TileUse use(plan.kernel);
    std::byte* const memory = context.scratch().local(thread, room);
    auto* const floats = reinterpret_cast<float*>(memory + band);
    for (std::int64_t index = begin; index < end; ++index) {
      const std::int64_t panel = index % plan.panel_pieces() * plan.panels;
      const std::int64_t place = index / plan.panel_pieces();
      const std::int64_t column = place % plan.column_pieces() * plan.columns;
      const std::int64_t line = place / plan.column_pieces() * plan.lines;
      const Piece piece{.plan = plan,
                        .first_line = line,
                        .lines = std::min(plan.lines, plan.geometry.out_height - line),
                        .first_column = column,
                        .columns = std::min(plan.columns, plan.geometry.out_width - column),
                        .first_panel = panel,
                        .panels = std::min(plan.panels, plan.layout.count() - panel),
                        .band = memory,
                        .sums = floats,
                        .widened = floats + sums};
      fill_band(piece);
      for (std::int64_t p = 0; p < piece.panels; ++p) {
        for (std::int64_t slice = 0; slice < plan.slicing.count(); ++slice) {
          run_panel(piece, panel + p, slice);
        }
      }
    }
  });
}

/// One row of a filter in the order of the slices; what only fills a step stays as it is.
void reorder_row(ConstMatrixView weight, std::int64_t in_channels, const Slicing& slicing,
                 std::int64_t o, MatrixView rows) {
  const std::int64_t taps = slicing.kernel;
  std::int64_t to = 0;
  for (std::int64_t dy = 0; dy < taps; ++dy) {
    for (std::int64_t first = 0; first < slicing.channels; first += slicing.chunk) {
      const std::int64_t last = std::min(first + slicing.chunk, slicing.channels);
      for (std::int64_t dx = 0; dx < taps; ++dx) {
        for (std::int64_t c = first; c < last; ++c, ++to) {
          if (c >= in_channels) continue;
          write_element(rows, o, to, read_element(weight, o, (c * taps + dy) * taps + dx));
        }
      }
    }
  }
}

template <const TileKernel& kKernel>
Tensor pack_tiled(const Context& context, ConstMatrixView weight, std::int64_t in_channels,
                  std::int64_t kernel, WeightFormat format) {
  const DType stored = element_type(format);
  const Slicing slicing(kKernel, kernel, in_channels);
  Tensor rows = Tensor::zeros(weight.rows, slicing.elements(), stored);
  context.pool().parallel_for(weight.rows, 4, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t o = begin; o < end; ++o) reorder_row(weight, in_channels, slicing, o, rows);
  });
  const PanelLayout layout(kKernel, stored, weight.rows, slicing.elements());
  Tensor panels(1, layout.size_bytes(), DType::u8);
  auto* const bytes = static_cast<std::byte*>(panels.view().data);
  context.pool().parallel_for(layout.count(), 1, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t panel = begin; panel < end; ++panel) {
      pack_panel_from_rows(layout, panel, rows, bytes);
    }
  });
  return panels;
}

template <const TileKernel& kKernel>
void run_tiled(const Context& context, ConstImageView in, const PackedConv& conv, ConvShape shape,
               ImageView out, const ConvOptions& options) {
  const Slicing slicing(kKernel, conv.kernel(), conv.in_channels());
  const DType stored = element_type(conv.layout().format);
  Plan plan{.kernel = kKernel,
            .conv = conv,
            .slicing = slicing,
            .layout = PanelLayout(kKernel, stored, conv.out_channels(), slicing.elements()),
            .widens = stored == DType::bf16 && !kKernel.bf16,
            .geometry = conv_geometry(shape, conv.kernel(), in.height, in.width),
            .in = in,
            .out = out,
            .options = options,
            .first_row = options.first_row,
            .columns = 0,
            .lines = 0,
            .panels = 0};
  plan.geometry.out_height = out.height;
  flatten(plan);
  choose_pieces(context, plan);
  run_pieces(context, plan);
}

}  // namespace

std::span<const Conv2dImplementation> conv2d_implementations() {
  static const std::vector<Conv2dImplementation> list = for_all_tiles(
      []<const TileKernel & kKernel>() -> Conv2dImplementation {
        return {.name = kKernel.name,
                .runs_on =
                    [](const CpuFeatures& cpu, WeightFormat format) {
                      return runs_on(kKernel, cpu, element_type(format));
                    },
                .pack = pack_tiled<kKernel>,
                .run = run_tiled<kKernel>};
      },
      kConv2dReference);
  return list;
}

}  // namespace imagined::engine

#include "engine/backend/cpu/tile/panels.h"

#include <array>
#include <cmath>
#include <cstring>
#include <type_traits>

#include "engine/backend/cpu/quantise/quantise.h"
#include "engine/backend/cpu/tile/int8_block.h"
#include "engine/backend/cpu/tile/transpose.h"

namespace imagined::engine {
namespace {

constexpr std::int64_t kPanelWidthMax = 32;

struct Half {
  std::uint16_t bits;
};

template <class T>
T load_unaligned(const void* base, std::int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const std::byte*>(base) + index * std::int64_t{sizeof(T)},
              sizeof(T));
  return value;
}

inline float widened(float value) { return value; }
inline float widened(Bf16 value) { return to_float(value); }
inline float widened(Half value) { return half_to_float(value.bits); }

template <class Out, class In>
Out converted(In value) {
  if constexpr (std::is_same_v<Out, In>) {
    return value;
  } else if constexpr (std::is_same_v<Out, Bf16>) {
    return to_bf16(widened(value));
  } else {
    return widened(value);
  }
}

// Elements per pass over the columns: what a pass writes stays in the first-level cache, and the
// longest block is decoded once.
constexpr std::int64_t kPassElements = 256;
static_assert(kPassElements % kMaxBlockElements == 0);

/// Elements [first, last) of one column, whose elements lie one by one from `row` on; a step of the
/// panel is `gap` elements.
template <int Pair, class Out, class In>
void pack_elements(const void* row, std::int64_t first, std::int64_t last, std::int64_t gap,
                   Out* column) {
  if constexpr (Pair == 2 && std::is_same_v<Out, In>) {  // whole pairs move as they are
    for (; first + 1 < last; first += 2) {
      std::memcpy(column + first / 2 * gap, static_cast<const std::byte*>(row) + 2 * first,
                  2 * sizeof(In));
    }
  }
  for (std::int64_t i = first; i < last; ++i) {
    column[i / Pair * gap + i % Pair] = converted<Out>(load_unaligned<In>(row, i));
  }
}

template <int Pair, class Out>
void pack_numbers(const ConstMatrixView& rows, std::int64_t row, std::int64_t first,
                  std::int64_t last, std::int64_t gap, Out* column) {
  const auto* const in = static_cast<const std::byte*>(rows.data) +
                         static_cast<std::size_t>(row * rows.stride) * size_bytes(rows.dtype);
  switch (rows.dtype) {
    case DType::f32:
      return pack_elements<Pair, Out, float>(in, first, last, gap, column);
    case DType::bf16:
      return pack_elements<Pair, Out, Bf16>(in, first, last, gap, column);
    case DType::f16:
      return pack_elements<Pair, Out, Half>(in, first, last, gap, column);
    default:
      CHECK(false, "panel from {}", name(rows.dtype));
  }
}

/// Calls pack(column of the panel, first, last, where the column begins) pass by pass.
template <int Pair, class Out, class Pack>
void for_columns(const PanelLayout& layout, std::int64_t panel, std::byte* panels,
                 const Pack& pack) {
  auto* const out = reinterpret_cast<Out*>(panels + layout.offset(panel, 0));
  const std::int64_t width = std::int64_t{layout.vectors(panel)} * layout.lanes;
  const std::int64_t columns = layout.columns(panel);
  if (columns < width || layout.k % Pair != 0) {
    std::fill(out, out + layout.steps() * width * Pair, Out{});
  }
  for (std::int64_t first = 0; first < layout.k; first += kPassElements) {
    const std::int64_t last = std::min(first + kPassElements, layout.k);
    for (std::int64_t c = 0; c < columns; ++c) {
      pack(c, first, last, width * Pair, out + c * Pair);
    }
  }
}

/// Calls task(std::integral_constant<int, Pair>, Out{}) for the layout's steps and elements.
template <class Task>
void for_layout(const PanelLayout& layout, const Task& task) {
  if (layout.step_elements == 2) return task(std::integral_constant<int, 2>(), Bf16{});
  if (layout.element_bytes == 2) return task(std::integral_constant<int, 1>(), Bf16{});
  task(std::integral_constant<int, 1>(), float{});
}

/// A step of one element per column.
template <class Out, class In>
void pack_step(const In* in, std::int64_t columns, std::int64_t width, Out* out) {
  for (std::int64_t c = 0; c < columns; ++c) out[c] = converted<Out>(in[c]);
  for (std::int64_t c = columns; c < width; ++c) out[c] = Out{};
}

/// A step of pairs: two neighbouring rows of b, the second of which may be missing (null).
template <class In>
void pack_pair_step(const In* first, const In* second, std::int64_t columns, std::int64_t width,
                    std::uint32_t* out) {
  const auto bits = [](In value) -> std::uint32_t { return converted<Bf16>(value).bits; };
  if (second == nullptr) {
    for (std::int64_t c = 0; c < columns; ++c) out[c] = bits(first[c]);
  } else {
    for (std::int64_t c = 0; c < columns; ++c) out[c] = bits(first[c]) | bits(second[c]) << 16;
  }
  for (std::int64_t c = columns; c < width; ++c) out[c] = 0;
}

template <class In>
void pack_steps(const PanelLayout& layout, std::int64_t panel, ConstMatrixView b,
                std::byte* panels) {
  const std::int64_t width = std::int64_t{layout.vectors(panel)} * layout.lanes;
  const std::int64_t columns = layout.columns(panel);
  const std::int64_t left = panel * layout.width();
  for (std::int64_t s = 0; s < layout.steps(); ++s) {
    std::byte* const out = panels + layout.offset(panel, s);
    if (layout.step_elements == 2) {
      const In* const second = 2 * s + 1 < layout.k ? b.row<In>(2 * s + 1) + left : nullptr;
      pack_pair_step(b.row<In>(2 * s) + left, second, columns, width,
                     reinterpret_cast<std::uint32_t*>(out));
    } else if (layout.element_bytes == 2) {
      pack_step(b.row<In>(s) + left, columns, width, reinterpret_cast<Bf16*>(out));
    } else {
      pack_step(b.row<In>(s) + left, columns, width, reinterpret_cast<float*>(out));
    }
  }
}

/// Which row of which part a column of a panel is.
struct Source {
  const StoredRows* part = nullptr;  // null for a column that is missing
  std::int64_t row = 0;
};
using Sources = std::array<Source, kPanelWidthMax>;

Sources columns_of(const PanelLayout& layout, std::int64_t panel,
                   std::span<const StoredRows> parts) {
  CHECK(layout.width() <= kPanelWidthMax, "a panel of {} columns", layout.width());
  Sources sources;
  std::size_t part = 0;
  std::int64_t row = panel * layout.width();
  for (std::int64_t c = 0; c < layout.columns(panel); ++c, ++row) {
    while (row >= parts[part].rows()) row -= parts[part++].rows();
    sources[static_cast<std::size_t>(c)] = {&parts[part], row};
  }
  return sources;
}

/// One column's run of a pass, as the tiles' elements, where they do not lie in the file like that.
struct alignas(64) Staged {
  std::array<std::byte, kPassElements * sizeof(float)> bytes;
};

/// The elements [first, first + count) of a column as the layout's elements, zeros behind them up
/// to a whole step: where they lie, or in `staged`.
const std::byte* column_run(const TileKernel& kernel, const Source& source, std::int64_t first,
                            std::int64_t count, Staged& staged) {
  std::byte* const out = staged.bytes.data();
  const auto element_bytes = static_cast<std::size_t>(kernel.element_bytes());
  const bool whole = count % kernel.step_elements() == 0;
  if (!whole) {
    std::memset(out + static_cast<std::size_t>(count) * element_bytes, 0, element_bytes);
  }
  const std::int64_t begin = source.row * source.part->cols() + first;
  const DType wanted = kernel.bf16 ? DType::bf16 : DType::f32;
  if (source.part->is_matrix() && source.part->type().dtype == wanted) {
    const std::byte* const run =
        source.part->bytes().data() + static_cast<std::size_t>(begin) * element_bytes;
    if (whole) return run;
    std::memcpy(out, run, static_cast<std::size_t>(count) * element_bytes);
    return out;
  }
  std::array<float, kPassElements> decoded;
  float* const numbers = kernel.bf16 ? decoded.data() : reinterpret_cast<float*>(out);
  source.part->decode(begin, count, numbers);
  if (kernel.bf16) kernel.narrow(numbers, reinterpret_cast<std::uint16_t*>(out), count);
  return out;
}

/// A panel holds NaN or infinity: looks in which rows.
void report_specials(const PanelLayout& layout, std::int64_t panel, const Sources& sources) {
  for (std::int64_t c = 0; c < layout.columns(panel); ++c) {
    const Source& source = sources[static_cast<std::size_t>(c)];
    const StoredRows row = source.part->row_range(source.row, 1);
    if (!all_finite(row)) row.report_not_finite();
  }
}

/// Where a run of bf16 begins; null where the column is missing or something else.
const Bf16* bf16_run(const Source& source, std::int64_t first) {
  if (source.part == nullptr || !source.part->is_matrix()) return nullptr;
  if (source.part->type().dtype != DType::bf16) return nullptr;
  const std::int64_t begin = source.row * source.part->cols() + first;
  return reinterpret_cast<const Bf16*>(source.part->bytes().data()) + begin;
}

/// The bytes that hold a run; none where the column is missing.
std::span<const std::byte> run_bytes(const Source& source, std::int64_t first, std::int64_t count) {
  if (source.part == nullptr) return {};
  return source.part->reshaped(source.row * source.part->cols() + first, 1, count).bytes();
}

/// The elements [first, first + count) of a column as whole numbers; `next` is read after it.
Quantised quantised_run(const Source& source, const Source& next, std::int64_t first,
                        std::int64_t count, Levels levels, std::uint8_t* out) {
  if (const Bf16* const run = bf16_run(source, first)) {
    return quantise(run, count, levels, out, run_bytes(next, first, count));
  }
  std::array<float, kInt8BlockMax> decoded;
  source.part->decode(source.row * source.part->cols() + first, count, decoded.data());
  return quantise(decoded.data(), count, levels, out, run_bytes(next, first, count));
}

}  // namespace

PanelLayout PanelLayout::of_int8(const TileKernel& kernel, std::int64_t columns,
                                 std::int64_t elements) {
  constexpr std::int64_t kUnit = 64;  // elements that AMX multiplies at once
  PanelLayout layout(kernel, DType::f32, columns, elements);
  layout.element_bytes = kernel.element_bytes();
  layout.steps_unit = kUnit / layout.step_elements;
  layout.block = int8_block(elements) / layout.step_elements;
  return layout;
}

void pack_int8_block(const TileKernel& kernel, const PanelLayout& layout, std::int64_t panel,
                     std::int64_t first_step, std::int64_t steps, std::span<const StoredRows> parts,
                     std::byte* out) {
  struct alignas(64) Run {
    std::array<std::uint8_t, kInt8BlockMax> numbers;
  };
  static constexpr Run kMissing = {};
  const Sources sources = columns_of(layout, panel, parts);
  const std::int64_t width = std::int64_t{layout.vectors(panel)} * layout.lanes;
  const std::int64_t first = first_step * layout.step_elements;
  const std::int64_t padded = steps * layout.step_elements;
  const std::int64_t count = std::min(padded, layout.k - first);
  std::byte* const tail = out + steps * layout.step_bytes(panel);
  auto* const starts = reinterpret_cast<std::int32_t*>(tail);
  auto* const factors = reinterpret_cast<float*>(starts + width);
  std::fill_n(tail, layout.tail_bytes(panel), std::byte{});
  std::array<Run, kPanelWidthMax> runs;
  std::array<const std::byte*, kPanelWidthMax> rows;
  rows.fill(reinterpret_cast<const std::byte*>(kMissing.numbers.data()));
  bool finite = true;
  for (std::int64_t c = 0; c < layout.columns(panel); ++c) {
    const auto i = static_cast<std::size_t>(c);
    std::uint8_t* const run = runs[i].numbers.data();
    const Source next = i + 1 < sources.size() ? sources[i + 1] : Source();
    const Quantised all =
        quantised_run(sources[i], next, first, count, {.largest = kernel.b_largest}, run);
    std::fill(run + count, run + padded, std::uint8_t{0});
    starts[c] = -kernel.zero_point * all.sum;
    factors[c] = all.factor;
    finite &= !std::isnan(all.factor);
    rows[i] = reinterpret_cast<const std::byte*>(run);
  }
  transpose_words(rows.data(), width, steps, false, out);
  if (!finite) report_specials(layout, panel, sources);
}

void pack_panel_from_weights(const TileKernel& kernel, const PanelLayout& layout,
                             std::int64_t panel, std::int64_t first_step, std::int64_t steps,
                             std::span<const StoredRows> parts, std::byte* out) {
  static constexpr Staged kMissing = {};
  const Sources sources = columns_of(layout, panel, parts);
  const std::int64_t width = std::int64_t{layout.vectors(panel)} * layout.lanes;
  const std::int64_t pass_steps = kPassElements / layout.step_elements;
  std::array<Staged, kPanelWidthMax> staged;
  std::array<const std::byte*, kPanelWidthMax> rows;
  rows.fill(kMissing.bytes.data());
  bool finite = true;
  for (std::int64_t done = 0; done < steps; done += pass_steps) {
    const std::int64_t count = std::min(pass_steps, steps - done);
    const std::int64_t first = (first_step + done) * layout.step_elements;
    const std::int64_t elements = std::min(count * layout.step_elements, layout.k - first);
    for (std::int64_t c = 0; c < layout.columns(panel); ++c) {
      const auto i = static_cast<std::size_t>(c);
      rows[i] = column_run(kernel, sources[i], first, elements, staged[i]);
    }
    finite &= transpose_words(rows.data(), width, count, kernel.bf16,
                              out + done * layout.step_bytes(panel));
  }
  if (!finite) report_specials(layout, panel, sources);
}

void pack_panel_from_rows(const PanelLayout& layout, std::int64_t panel, ConstMatrixView rows,
                          std::byte* panels) {
  const std::int64_t row = panel * layout.width();
  for_layout(layout, [&](auto pair, auto element) {
    using Out = decltype(element);
    for_columns<pair(), Out>(
        layout, panel, panels,
        [&](std::int64_t c, std::int64_t first, std::int64_t last, std::int64_t gap, Out* column) {
          pack_numbers<pair()>(rows, row + c, first, last, gap, column);
        });
  });
}

void pack_panel(const PanelLayout& layout, std::int64_t panel, ConstMatrixView b,
                std::byte* panels) {
  if (b.dtype == DType::f32) return pack_steps<float>(layout, panel, b, panels);
  CHECK(b.dtype == DType::bf16, "panel from {}", name(b.dtype));
  pack_steps<Bf16>(layout, panel, b, panels);
}

}  // namespace imagined::engine

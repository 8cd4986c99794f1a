#include "engine/backend/cpu/tile/panels.h"

#include <array>
#include <cstring>
#include <type_traits>

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

template <int Pair, class Out>
void pack_stored(const StoredRows& rows, std::int64_t row, std::int64_t first, std::int64_t last,
                 std::int64_t gap, Out* column) {
  if (rows.blocks() == nullptr) {
    return pack_numbers<Pair>(rows.matrix(), row, first, last, gap, column);
  }
  std::array<float, kPassElements> decoded;
  const std::int64_t count = last - first;
  decode_rows(
      rows.reshaped(row * rows.cols() + first, 1, count),
      {.data = decoded.data(), .dtype = DType::f32, .rows = 1, .cols = count, .stride = count});
  pack_elements<Pair, Out, float>(decoded.data(), 0, count, gap, column + first / Pair * gap);
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

}  // namespace

bool pack_panel_from_weights(const PanelLayout& layout, std::int64_t panel,
                             std::span<const StoredRows> parts, std::byte* panels) {
  // Which row of which part each column is.
  std::array<const StoredRows*, kPanelWidthMax> part_of;
  std::array<std::int64_t, kPanelWidthMax> row_of;
  CHECK(layout.width() <= kPanelWidthMax, "a panel of {} columns", layout.width());
  std::size_t part = 0;
  std::int64_t row = panel * layout.width();
  for (std::int64_t c = 0; c < layout.columns(panel); ++c, ++row) {
    while (row >= parts[part].rows()) row -= parts[part++].rows();
    part_of[static_cast<std::size_t>(c)] = &parts[part];
    row_of[static_cast<std::size_t>(c)] = row;
  }
  for_layout(layout, [&](auto pair, auto element) {
    using Out = decltype(element);
    for_columns<pair(), Out>(
        layout, panel, panels,
        [&](std::int64_t c, std::int64_t first, std::int64_t last, std::int64_t gap, Out* column) {
          const auto i = static_cast<std::size_t>(c);
          pack_stored<pair()>(*part_of[i], row_of[i], first, last, gap, column);
        });
  });
  const auto bytes = static_cast<std::size_t>(layout.steps() * layout.step_bytes(panel));
  return all_finite({panels + layout.offset(panel, 0), bytes},
                    layout.element_bytes == 2 ? DType::bf16 : DType::f32);
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

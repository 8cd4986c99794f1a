#include "engine/tensor/stored_scales.h"

#include <algorithm>

namespace imagined::engine {
namespace {

constexpr std::int64_t kTileRows = 128;
constexpr std::int64_t kTileCols = 4;
constexpr std::int64_t kTileLines = 32;

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

std::int64_t place_of_group(const StoredScales& scales, std::int64_t row, std::int64_t col) {
  const std::int64_t count = divide_up(scales.cols, scales.group);
  if (!scales.tiled) return row * count + col;
  const std::int64_t tile = row / kTileRows * divide_up(count, kTileCols) + col / kTileCols;
  const std::int64_t inside = row % kTileLines * (kTileRows / kTileLines * kTileCols) +
                              row % kTileRows / kTileLines * kTileCols + col % kTileCols;
  return tile * kTileRows * kTileCols + inside;
}

float group_factor(const StoredScales& scales, std::int64_t row, std::int64_t col) {
  const std::int64_t place = place_of_group(scales, row, col);
  const auto size = static_cast<std::size_t>(scales.group_type->size_bytes);
  float factor = 0;
  decode_blocks(*scales.group_type,
                scales.groups.subspan(static_cast<std::size_t>(place) * size, size), &factor);
  return factor;
}

float row_value(const std::vector<float>& values, std::int64_t row) {
  return values[values.size() == 1 ? 0 : static_cast<std::size_t>(row)];
}

}  // namespace

std::int64_t StoredScales::group_bytes(std::int64_t row_count) const {
  const std::int64_t count = divide_up(cols, group);
  if (!tiled) return row_count * count * group_type->size_bytes;
  return divide_up(row_count, kTileRows) * kTileRows * divide_up(count, kTileCols) * kTileCols *
         group_type->size_bytes;
}

void apply_scales(const StoredScales& scales, std::int64_t first, std::int64_t count,
                  float* values) {
  while (count > 0) {
    const std::int64_t row = first / scales.cols;
    const std::int64_t col = first % scales.cols;
    std::int64_t run = std::min(count, scales.cols - col);
    float factor = scales.rows.empty() ? 1.0f : row_value(scales.rows, row);
    if (scales.group > 0) {
      run = std::min(run, scales.group - col % scales.group);
      factor *= group_factor(scales, row, col / scales.group);
    }
    const float offset = scales.offsets.empty() ? 0.0f : row_value(scales.offsets, row);
    for (std::int64_t i = 0; i < run; ++i) values[i] = values[i] * factor + offset;
    values += run;
    first += run;
    count -= run;
  }
}

}  // namespace imagined::engine

// Factors that a file keeps beside the numbers of a tensor, in tensors of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/tensor/stored_type.h"

namespace imagined::engine {

/// What makes the numbers of a tensor [rows, cols] of the stored ones:
///
///   out[r][c] = stored[r][c] * rows[r] * groups[r][c / group] + offsets[r]
///
/// where what is empty is left out.
struct StoredScales {
  std::int64_t cols = 0;
  std::vector<float> rows;     // one for the whole tensor, or one per row
  std::vector<float> offsets;  // one per row

  std::int64_t group = 0;                  // neighbours in a row that share a factor; 0: none do
  std::span<const std::byte> groups;       // those factors, [rows, cols / group] of
  const StoredType* group_type = nullptr;  // which are numbers one by one
  /// Groups lie as tensor cores read them: in tiles of 128 rows by 4, each tile 32 lines of the
  /// rows l, l + 32, l + 64 and l + 96. Source: cuBLAS, "1D block scaling factors layout".
  bool tiled = false;
  std::vector<std::byte> computed_groups;  // what `groups` shows where no file holds them

  /// Bytes that `groups` must have for `row_count` rows.
  std::int64_t group_bytes(std::int64_t row_count) const;
};

/// Scales `count` consecutive numbers in place, the first of which is number `first` of the tensor.
void apply_scales(const StoredScales& scales, std::int64_t first, std::int64_t count,
                  float* values);

}  // namespace imagined::engine

// Work over the rows or the elements of a matrix, shared out among the threads.
#pragma once

#include <algorithm>

#include "engine/backend/context.h"

namespace imagined::engine {

/// task(first, count) over all rows, in pieces large enough (about 64 KiB) to be worth a hand-over
/// and small enough to stay in a core's cache. A row's result must not depend on its piece.
template <class Task>
void for_row_pieces(const Context& context, std::int64_t rows, std::int64_t bytes_per_row,
                    const Task& task) {
  constexpr std::int64_t kPieceBytes = 64 * 1024;
  const std::int64_t grain =
      std::max<std::int64_t>(1, kPieceBytes / std::max<std::int64_t>(1, bytes_per_row));
  context.pool().parallel_for(
      rows, grain, [&](std::int64_t begin, std::int64_t end, int) { task(begin, end - begin); });
}

/// task(row, first, count) over all elements [rows, cols] for steps that treat each one alike. A
/// dense matrix is one long row (row 0), so that narrow ones ([n, 3]) cost no more than wide ones.
template <class Task>
void for_element_spans(const Context& context, std::int64_t rows, std::int64_t cols, bool dense,
                       const Task& task) {
  constexpr std::int64_t kPieceElements = 16 * 1024;
  if (dense) {
    context.pool().parallel_for(
        rows * cols, kPieceElements,
        [&](std::int64_t begin, std::int64_t end, int) { task(0, begin, end - begin); });
    return;
  }
  const std::int64_t grain =
      std::max<std::int64_t>(1, kPieceElements / std::max<std::int64_t>(1, cols));
  context.pool().parallel_for(rows, grain, [&](std::int64_t begin, std::int64_t end, int) {
    for (std::int64_t r = begin; r < end; ++r) task(r, 0, cols);
  });
}

}  // namespace imagined::engine

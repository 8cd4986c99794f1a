#include "engine/models/common/weight_loader.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

namespace imagined::engine {
namespace {

/// Takes the whole pages of a mapping out of this process; they can be read again from the file.
void release_pages(const StoredRows& rows) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const std::span<const std::byte> bytes = rows.bytes();
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t first = (begin + page - 1) / page * page;
  const std::uintptr_t last = (begin + bytes.size()) / page * page;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

tl::unexpected<Error> not_finite(std::string_view name) {
  return fail(ErrorCode::data_loss, fmt::format("tensor \"{}\" holds NaN or infinity", name));
}

/// Rows [first, first + count) of blocks that lie one below the other.
std::vector<StoredRows> take_rows(std::span<const StoredRows> blocks, std::int64_t first,
                                  std::int64_t count) {
  std::vector<StoredRows> out;
  for (const StoredRows& block : blocks) {
    const std::int64_t taken = first < block.rows() ? std::min(count, block.rows() - first) : 0;
    if (taken > 0) {
      out.push_back(block.row_range(first, taken));
      count -= taken;
    }
    first = std::max<std::int64_t>(first - block.rows(), 0);
  }
  CHECK(count == 0, "{} rows too many", count);
  return out;
}

}  // namespace

bool all_finite(const Context& context, const StoredRows& rows) {
  constexpr std::int64_t kGrainElements = 1 << 18;  // half a megabyte, so it stays in L2
  const std::int64_t grain =
      std::max<std::int64_t>(kGrainElements / std::max<std::int64_t>(rows.cols(), 1), 1);
  std::atomic<bool> finite = true;
  context.pool().parallel_for(rows.rows(), grain, [&](std::int64_t begin, std::int64_t end, int) {
    const StoredRows part = rows.row_range(begin, end - begin);
    Tensor decoded;
    DType dtype = DType::f32;
    std::span<const std::byte> bytes = part.bytes();
    if (part.blocks() == nullptr) {
      dtype = part.matrix().dtype;
    } else {
      decoded = Tensor(part.rows(), part.cols());
      decode_rows(part, decoded);
      bytes = std::as_bytes(decoded.values());
    }
    if (!all_finite(bytes, dtype)) finite = false;
  });
  return finite;
}

Result<PackedWeight> WeightLoader::linear(std::span<const LinearPart> parts, std::int64_t cols) {
  std::vector<StoredRows> stored;
  std::vector<std::string_view> names;  // of the tensors that they are of
  for (const LinearPart& part : parts) {
    const Weight weight = TRY(source_->require(part.name, {part.rows, cols}));
    const std::int64_t count = part.count == 0 ? part.rows - part.first : part.count;
    for (const StoredRows& rows : take_rows(weight.parts, part.first, count)) {
      stored.push_back(rows);
      names.push_back(part.name);
    }
  }
  PackedWeight packed = pack_weight(context_, stored, format_.weights);
  if (!packed.all_finite()) {
    const auto broken = std::ranges::find_if(
        stored, [&](const StoredRows& rows) { return !all_finite(context_, rows); });
    // All finite as stored: one is too large for bf16, which no network's weight is.
    const auto index = broken == stored.end() ? 0 : broken - stored.begin();
    return not_finite(names[static_cast<std::size_t>(index)]);
  }
  for (const StoredRows& rows : stored) release_pages(rows);
  held_bytes_ += packed.size_bytes();
  return packed;
}

Result<PackedConv> WeightLoader::conv(const std::string& name, std::int64_t out, std::int64_t in,
                                      std::int64_t kernel) {
  const Weight weight = TRY(source_->require(name + ".weight", {out, in, kernel, kernel}));
  CHECK(weight.parts.size() == 1, "a filter bank in {} blocks", weight.parts.size());
  const Vector bias = TRY(vector(name + ".bias", out));
  PackedConv packed = pack_conv(context_, weight.parts[0], in, kernel, bias, format_.weights);
  if (!packed.all_finite()) return not_finite(weight.name);
  release_pages(weight.parts[0]);
  held_bytes_ += packed.size_bytes();
  return packed;
}

Result<Vector> WeightLoader::vector(std::span<const LinearPart> parts) {
  std::vector<float> values;
  for (const LinearPart& part : parts) {
    const std::vector<float> numbers = TRY(source_->require_vector(part.name, part.rows));
    const auto first = numbers.begin() + part.first;
    values.insert(values.end(), first, part.count == 0 ? numbers.end() : first + part.count);
  }
  held_bytes_ += static_cast<std::int64_t>(values.size() * sizeof(float));
  return Vector(values);
}

Result<MappedMatrix> WeightLoader::mapped_matrix(const std::string& name, std::int64_t rows,
                                                 std::int64_t cols) {
  const Weight weight = TRY(source_->require(name, {rows, cols}));
  CHECK(weight.parts.size() == 1, "a table in {} blocks", weight.parts.size());
  const StoredRows& table = weight.parts[0];
  if (!all_finite(context_, table)) return not_finite(name);
  release_pages(table);
  return MappedMatrix(source_, table);
}

}  // namespace imagined::engine

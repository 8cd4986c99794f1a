#include "engine/models/common/weight_loader.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>

namespace imagined::engine {
namespace {

/// True when `count` values of type Bits contain one whose exponent is all ones.
template <class Bits>
bool has_special(const std::byte* bytes, std::int64_t count, Bits exponent) {
  // No early exit: a plain reduction is what the compiler turns into vector code.
  unsigned found = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    Bits value;
    std::memcpy(&value, bytes + i * static_cast<std::int64_t>(sizeof(Bits)), sizeof(Bits));
    found |= static_cast<unsigned>((value & exponent) == exponent);
  }
  return found != 0;
}

bool has_special(ConstMatrixView x, std::int64_t first, std::int64_t count) {
  const auto* bytes = static_cast<const std::byte*>(x.data) +
                      first * static_cast<std::int64_t>(size_bytes(x.dtype));
  switch (x.dtype) {
    case DType::f32:
      return has_special<std::uint32_t>(bytes, count, 0x7f800000u);
    case DType::bf16:
      return has_special<std::uint16_t>(bytes, count, 0x7f80u);
    case DType::f16:
      return has_special<std::uint16_t>(bytes, count, 0x7c00u);
    default:
      CHECK(false, "weights are never {}", name(x.dtype));
  }
  return true;
}

/// Takes the whole pages of a mapping out of this process; they can be read again from the file.
void release_pages(ConstMatrixView x) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<std::uintptr_t>(x.data);
  const std::uintptr_t end =
      begin + static_cast<std::uintptr_t>(x.rows * x.stride) * size_bytes(x.dtype);
  const std::uintptr_t first = (begin + page - 1) / page * page;
  const std::uintptr_t last = end / page * page;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

Result<> check_finite(const Context& context, std::string_view name,
                      std::span<const ConstMatrixView> blocks) {
  for (const ConstMatrixView& block : blocks) {
    if (!all_finite_as_stored(context, block)) {
      return fail(ErrorCode::data_loss, fmt::format("tensor \"{}\" holds NaN or infinity", name));
    }
  }
  return {};
}

/// Rows [first, first + count) of blocks that lie one below the other.
void append_rows(std::span<const ConstMatrixView> blocks, std::int64_t first, std::int64_t count,
                 std::vector<ConstMatrixView>& out) {
  for (const ConstMatrixView& block : blocks) {
    const std::int64_t taken = first < block.rows ? std::min(count, block.rows - first) : 0;
    if (taken > 0) {
      out.push_back(block.row_range(first, taken));
      count -= taken;
    }
    first = std::max<std::int64_t>(first - block.rows, 0);
  }
  CHECK(count == 0, "{} rows too many", count);
}

}  // namespace

bool all_finite_as_stored(const Context& context, ConstMatrixView x) {
  CHECK(x.stride == x.cols, "weights in a file are dense");
  constexpr std::int64_t kGrain = 1 << 18;  // elements: half a megabyte, so it stays in L2
  std::atomic<bool> special{false};
  context.pool().parallel_for(x.rows * x.cols, kGrain,
                              [&](std::int64_t begin, std::int64_t end, int) {
                                if (has_special(x, begin, end - begin)) special = true;
                              });
  return !special;
}

Result<PackedWeight> WeightLoader::linear(std::span<const LinearPart> parts, std::int64_t cols) {
  std::vector<ConstMatrixView> blocks;
  std::int64_t rows = 0;
  for (const LinearPart& part : parts) {
    const Weight weight = TRY(source_->require(part.name, {part.rows, cols}));
    const std::int64_t count = part.count == 0 ? part.rows - part.first : part.count;
    const std::size_t before = blocks.size();
    append_rows(weight.parts, part.first, count, blocks);
    TRY(check_finite(context_, part.name, std::span(blocks).subspan(before)));
    rows += count;
  }
  PackedWeight packed = pack_weight(context_, blocks, format_.weights);
  for (const ConstMatrixView& block : blocks) release_pages(block);
  held_bytes_ += rows * cols * static_cast<std::int64_t>(size_bytes(format_.weights));
  return packed;
}

Result<PackedConv> WeightLoader::conv(const std::string& name, std::int64_t out, std::int64_t in,
                                      std::int64_t kernel) {
  const Weight weight = TRY(source_->require(name + ".weight", {out, in, kernel, kernel}));
  TRY(check_finite(context_, weight.name, weight.parts));
  const std::vector<float> bias = TRY(vector(name + ".bias", out));
  CHECK(weight.parts.size() == 1, "a filter bank in {} blocks", weight.parts.size());
  PackedConv packed = pack_conv(context_, weight.parts[0], in, kernel, bias, format_.weights);
  release_pages(weight.parts[0]);
  held_bytes_ += weight.elements() * static_cast<std::int64_t>(size_bytes(format_.weights));
  return packed;
}

Result<std::vector<float>> WeightLoader::vector(std::string_view name, std::int64_t size) {
  held_bytes_ += size * static_cast<std::int64_t>(sizeof(float));
  return source_->require_vector(name, size);
}

Result<MappedMatrix> WeightLoader::mapped_matrix(const std::string& name, std::int64_t rows,
                                                 std::int64_t cols) {
  const Weight weight = TRY(source_->require(name, {rows, cols}));
  TRY(check_finite(context_, name, weight.parts));
  CHECK(weight.parts.size() == 1, "a table in {} blocks", weight.parts.size());
  release_pages(weight.parts[0]);
  return MappedMatrix(source_, weight.parts[0]);
}

}  // namespace imagined::engine

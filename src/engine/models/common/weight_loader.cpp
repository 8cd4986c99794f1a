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
void release_pages(const StoredRows& rows) {
  const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const std::span<const std::byte> bytes = rows.bytes();
  const auto begin = reinterpret_cast<std::uintptr_t>(bytes.data());
  const std::uintptr_t first = (begin + page - 1) / page * page;
  const std::uintptr_t last = (begin + bytes.size()) / page * page;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

Result<> check_finite(const Context& context, std::string_view name, ConstMatrixView rows) {
  if (all_finite_as_stored(context, rows)) return {};
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

/// Stored rows as a matrix of numbers: the file's own bytes where these are numbers already, else
/// decoded into memory that goes away with the object.
class NumberRows {
 public:
  /// What is decoded becomes `dtype`, f32 or bf16.
  NumberRows(const Context& context, const StoredRows& rows, DType dtype) {
    if (rows.blocks() == nullptr) {
      view_ = rows.matrix();
      return;
    }
    decoded_ = Tensor(rows.rows(), rows.cols(), dtype);
    const MatrixView out = decoded_.view();
    constexpr std::int64_t kGrainElements = 1 << 16;
    const std::int64_t grain =
        std::max<std::int64_t>(kGrainElements / std::max<std::int64_t>(rows.cols(), 1), 1);
    context.pool().parallel_for(rows.rows(), grain, [&](std::int64_t begin, std::int64_t end, int) {
      decode_rows(rows.row_range(begin, end - begin), out.row_range(begin, end - begin));
    });
    view_ = out;
    release_pages(rows);
  }
  const ConstMatrixView& view() const { return view_; }

 private:
  Tensor decoded_;
  ConstMatrixView view_;
};

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
  std::vector<StoredRows> stored;
  std::vector<NumberRows> numbers;
  std::vector<ConstMatrixView> views;
  std::int64_t rows = 0;
  for (const LinearPart& part : parts) {
    const Weight weight = TRY(source_->require(part.name, {part.rows, cols}));
    const std::int64_t count = part.count == 0 ? part.rows - part.first : part.count;
    for (const StoredRows& block : take_rows(weight.parts, part.first, count)) {
      stored.push_back(block);
      views.push_back(numbers.emplace_back(context_, block, format_.weights).view());
      TRY(check_finite(context_, part.name, views.back()));
    }
    rows += count;
  }
  PackedWeight packed = pack_weight(context_, views, format_.weights);
  for (const StoredRows& block : stored) release_pages(block);
  held_bytes_ += rows * cols * static_cast<std::int64_t>(size_bytes(format_.weights));
  return packed;
}

Result<PackedConv> WeightLoader::conv(const std::string& name, std::int64_t out, std::int64_t in,
                                      std::int64_t kernel) {
  const Weight weight = TRY(source_->require(name + ".weight", {out, in, kernel, kernel}));
  CHECK(weight.parts.size() == 1, "a filter bank in {} blocks", weight.parts.size());
  const NumberRows rows(context_, weight.parts[0], format_.weights);
  TRY(check_finite(context_, weight.name, rows.view()));
  const Vector bias = TRY(vector(name + ".bias", out));
  PackedConv packed = pack_conv(context_, rows.view(), in, kernel, bias, format_.weights);
  release_pages(weight.parts[0]);
  held_bytes_ += weight.elements() * static_cast<std::int64_t>(size_bytes(format_.weights));
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
  // In pieces, so that a table of blocks is never decoded whole.
  constexpr std::int64_t kPieceElements = 1 << 22;
  const std::int64_t piece =
      std::max<std::int64_t>(kPieceElements / std::max<std::int64_t>(cols, 1), 1);
  for (std::int64_t first = 0; first < rows; first += piece) {
    const StoredRows part = table.row_range(first, std::min(piece, rows - first));
    TRY(check_finite(context_, name, NumberRows(context_, part, DType::f32).view()));
  }
  release_pages(table);
  return MappedMatrix(source_, table);
}

}  // namespace imagined::engine

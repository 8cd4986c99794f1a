#include "engine/models/common/weight_loader.h"

#include <algorithm>

#include "engine/formats/file_map.h"

namespace imagined::engine {
namespace {

// Of a network whose weights are packed when it is loaded: far above the built-in model's, far
// below those of networks that read hundreds of tokens.
constexpr std::int64_t kPackedBytesMax = std::int64_t{64} << 20;

bool packs(const Context& context, const WeightSource& source) {
  const std::string_view wanted = context.implementation("weights");
  return wanted.empty() ? source.size_bytes() <= kPackedBytesMax : wanted == "packed";
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

/// What rows in place are read from.
struct MappedOwner {
  MappedOwner(std::shared_ptr<const WeightSource> file,
              std::vector<std::unique_ptr<const RowChange>> own)
      : source(std::move(file)), changes(std::move(own)) {}
  std::shared_ptr<const WeightSource> source;
  std::vector<std::unique_ptr<const RowChange>> changes;
};

}  // namespace

void MappedMatrix::read_row(std::int64_t index, MatrixView out) const {
  const StoredRows row = rows_.row_range(index, 1);
  decode_rows(row, out);
  if (!all_finite(StoredRows(out))) row.report_not_finite();
}

WeightLoader::WeightLoader(const Context& context, std::shared_ptr<WeightSource> source,
                           NumberFormat format)
    : context_(context),
      source_(std::move(source)),
      format_(format),
      packs_(packs(context, *source_)) {}

Result<MatmulWeight> WeightLoader::take(std::span<const LinearPart> parts, std::int64_t cols,
                                        WeightFormat format) {
  AdaptedWeight adapted;
  for (const LinearPart& part : parts) {
    const Weight weight = TRY(source_->require(part.name, {part.rows, cols}));
    const std::int64_t count = part.count == 0 ? part.rows - part.first : part.count;
    adapted.add(context_, adapters_.changes(part.name), part.first,
                take_rows(weight.parts, part.first, count));
  }
  const std::span<const StoredRows> rows = adapted.rows();
  if (!packs_) {
    for (const StoredRows& block : rows) mapped_bytes_ += std::ssize(block.bytes());
    auto owner = std::make_shared<MappedOwner>(source_, adapted.take_changes());
    const MatmulWeight mapped =
        adapted.with_side(context_, map_weight(context_, rows, format, std::move(owner)));
    held_bytes_ += mapped.packed_bytes();
    return mapped;
  }
  const MatmulWeight packed = adapted.with_side(context_, pack_weight(context_, rows, format));
  TRY(source_->sound());
  for (const StoredRows& block : rows) release_pages(block.bytes());
  held_bytes_ += packed.packed_bytes();
  return packed;
}

Result<PackedConv> WeightLoader::conv(const std::string& name, std::int64_t out, std::int64_t in,
                                      std::int64_t kernel) {
  const Weight weight = TRY(source_->require(name + ".weight", {out, in, kernel, kernel}));
  CHECK(weight.parts.size() == 1, "a filter bank in {} blocks", weight.parts.size());
  const Vector bias = TRY(vector(name + ".bias", out));
  PackedConv packed = pack_conv(context_, weight.parts[0], in, kernel, bias, format_.weights);
  if (!all_finite(weight.parts[0])) weight.parts[0].report_not_finite();
  TRY(source_->sound());
  release_pages(weight.parts[0].bytes());
  held_bytes_ += packed.size_bytes();
  return packed;
}

PackedConv WeightLoader::conv_of(const Tensor& filters, std::int64_t in, std::int64_t kernel,
                                 ConstMatrixView bias) {
  PackedConv packed =
      pack_conv(context_, StoredRows(filters.view()), in, kernel, bias, format_.weights);
  held_bytes_ += packed.size_bytes();
  return packed;
}

Result<Tensor> WeightLoader::numbers(const std::string& name, std::int64_t rows,
                                     std::int64_t cols) {
  const Weight weight = TRY(source_->require(name, {rows, cols}));
  Tensor out(rows, cols);
  std::int64_t first = 0;
  for (const StoredRows& part : weight.parts) {
    decode_rows(part, out.view().row_range(first, part.rows()));
    if (!all_finite(part)) part.report_not_finite();
    release_pages(part.bytes());
    first += part.rows();
  }
  TRY(source_->sound());
  return out;
}

Result<Vector> WeightLoader::vector(std::span<const LinearPart> parts) {
  std::vector<float> values;
  for (const LinearPart& part : parts) {
    std::vector<float> numbers = TRY(source_->require_vector(part.name, part.rows));
    const std::span<const float> shift = adapters_.shift(part.name);
    for (std::size_t i = 0; i < shift.size(); ++i) numbers[i] += shift[i];
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
  mapped_bytes_ += std::ssize(weight.parts[0].bytes());
  return MappedMatrix(source_, weight.parts[0]);
}

}  // namespace imagined::engine

// Takes a network's tensors out of its files: by name, checked, ready for the operations.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/backend/context.h"
#include "engine/formats/weight_source.h"
#include "engine/models/common/adapters.h"
#include "engine/models/common/number_format.h"
#include "engine/ops/conv2d/conv2d.h"
#include "engine/ops/matmul/matmul.h"

namespace imagined::engine {

/// A matrix that stays in the mapped file, as stored: rows are decoded when they are read.
class MappedMatrix {
 public:
  MappedMatrix() = default;
  MappedMatrix(std::shared_ptr<const WeightSource> source, StoredRows rows)
      : source_(std::move(source)), rows_(rows) {}
  /// Row `index` to out [1, cols], f32.
  void read_row(std::int64_t index, MatrixView out) const;
  /// See WeightSource::sound; ask after reading rows.
  Result<> sound() const { return source_->sound(); }

 private:
  std::shared_ptr<const WeightSource> source_;
  StoredRows rows_;
};

/// Rows of one tensor that go into a packed weight, or numbers of one that go into a vector.
struct LinearPart {
  std::string name;
  std::int64_t rows = 0;   // that the tensor has
  std::int64_t first = 0;  // of those to take
  std::int64_t count = 0;  // 0: all from `first` on
};

/// One network's weights on their way to its operations. Every call can fail with what
/// WeightSource::require says, or with `data_loss` when a value that is read now is NaN or
/// infinite; both name the tensor.
///
/// The matrices of products stay in the file (map_weight), but for a small network's, which are
/// packed: its products have so few rows that packing each time would be half of the work. What is
/// packed gives its pages of the file back, so that no weight lies in memory twice.
class WeightLoader {
 public:
  /// The context may say "weights=packed" or "weights=in_place", for tests and benchmarks.
  WeightLoader(const Context& context, std::shared_ptr<WeightSource> source, NumberFormat format);

  /// Adapters are laid on the products that are taken from now on.
  void lay_on(Adapters adapters) { adapters_ = std::move(adapters); }

  NumberFormat format() const { return format_; }
  bool has(std::string_view name) const { return source_->has(name); }

  /// The weight of a product: the rows of all parts one below the other; each tensor is
  /// [rows, cols].
  Result<MatmulWeight> linear(std::span<const LinearPart> parts, std::int64_t cols) {
    return take(parts, cols, format_.weights);
  }
  Result<MatmulWeight> linear(std::initializer_list<LinearPart> parts, std::int64_t cols) {
    return linear(std::span<const LinearPart>(parts.begin(), parts.size()), cols);
  }
  /// The same for a product inside a transformer's blocks (NumberFormat::block_weights).
  Result<MatmulWeight> block_linear(std::span<const LinearPart> parts, std::int64_t cols) {
    return take(parts, cols, format_.block_weights);
  }
  Result<MatmulWeight> block_linear(std::initializer_list<LinearPart> parts, std::int64_t cols) {
    return block_linear(std::span<const LinearPart>(parts.begin(), parts.size()), cols);
  }
  /// `name`.weight [out, in, kernel, kernel] and `name`.bias [out].
  Result<PackedConv> conv(const std::string& name, std::int64_t out, std::int64_t in,
                          std::int64_t kernel);
  Result<Vector> vector(const std::string& name, std::int64_t size) {
    return vector(std::array{LinearPart{name, size}});
  }
  /// The numbers of all parts one behind the other; each tensor is [rows].
  Result<Vector> vector(std::span<const LinearPart> parts);
  /// The same from filters [out, in * kernel * kernel] that were made of the file's numbers.
  PackedConv conv_of(const Tensor& filters, std::int64_t in, std::int64_t kernel,
                     ConstMatrixView bias);
  /// The numbers of a tensor [rows, cols], widened; for whoever sorts them before they are packed.
  Result<Tensor> numbers(const std::string& name, std::int64_t rows, std::int64_t cols);
  /// Not packed: for tables of which only some rows are read.
  Result<MappedMatrix> mapped_matrix(const std::string& name, std::int64_t rows, std::int64_t cols);

  /// Bytes of all that was packed or widened so far, and of what stays in the file.
  std::int64_t held_bytes() const { return held_bytes_; }
  std::int64_t mapped_bytes() const { return mapped_bytes_; }

 private:
  Result<MatmulWeight> take(std::span<const LinearPart> parts, std::int64_t cols,
                            WeightFormat format);

  const Context& context_;
  std::shared_ptr<WeightSource> source_;
  NumberFormat format_;
  Adapters adapters_;
  bool packs_ = false;
  std::int64_t held_bytes_ = 0;
  std::int64_t mapped_bytes_ = 0;
};

}  // namespace imagined::engine

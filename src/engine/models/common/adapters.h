// Adapters laid on a network: what they add to its linear layers, found by the network's own names.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/backend/context.h"
#include "engine/formats/adapter_file.h"
#include "engine/formats/weight_source.h"
#include "engine/ops/matmul/matmul.h"
#include "engine/tensor/row_change.h"

namespace imagined::engine {

/// A file that changes a network, and how strongly.
struct Adapter {
  std::shared_ptr<const AdapterFile> file;
  float scale = 1;
};

/// What one module of an adapter does to one weight [n, k] of the network.
struct LayerChange {
  struct LowRank {
    Tensor down;  // [r, k] f32
    Tensor up;    // [n of all weights that share the module, r] f32, with alpha and scale in it
  };
  std::shared_ptr<const LowRank> low_rank;            // a LoRA, or
  std::shared_ptr<const KroneckerProduct> kronecker;  // a LoKr, or one of [1, 1] and [n, k]: whole
  std::int64_t first = 0;                             // of the weight's rows in it
  std::vector<float> magnitude;                       // of a DoRA, one per row of the weight
};

/// Immutable.
class Adapters {
 public:
  Adapters() = default;
  /// Finds for every module of the adapters the weights of the network that it changes, by the
  /// names that the file uses; with dots or, as kohya, OneTrainer and LyCORIS write them,
  /// underscores. A module in a single file's names is split and exchanged as the weight of that
  /// name is, whatever layout the network itself comes in. Errors: `invalid_argument` naming the
  /// first tensor that does not fit: of a layer that the network does not have, or of another
  /// shape; `data_loss` for a NaN.
  static Result<Adapters> make(std::span<const Adapter> adapters, const WeightSource& source,
                               const NameTable& table);

  bool empty() const { return changes_.empty() && shifts_.empty(); }
  /// Of a weight by its canonical name.
  std::span<const LayerChange> changes(std::string_view weight) const;
  /// What is added to a vector by its canonical name: empty, or as long as it is.
  std::span<const float> shift(std::string_view vector) const;
  /// Tensors that are not used, because they change a text encoder.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  Result<> add(const Adapter& adapter, const WeightSource& source, const NameTable& table);

  Result<> add_shift(const CanonicalNames& names, const FileTensor& tensor, float strength,
                     const WeightSource& source);

  std::map<std::string, std::vector<LayerChange>, std::less<>> changes_;
  std::map<std::string, std::vector<float>, std::less<>> shifts_;
  std::vector<std::string> notes_;
};

/// The weight of one product while adapters are laid on it, part by part.
class AdaptedWeight {
 public:
  /// Rows [first, first + rows) of a weight of the network, to stand below those of the calls
  /// before; changed where the adapters say so.
  void add(const Context& context, std::span<const LayerChange> changes, std::int64_t first,
           std::span<const StoredRows> rows);

  std::span<const StoredRows> rows() const { return rows_; }
  /// What the rows read besides the file; must live as long as they are read.
  std::vector<std::unique_ptr<const RowChange>> take_changes() { return std::move(changes_); }
  /// The weight made of the rows, with what is of low rank at its side.
  MatmulWeight with_side(const Context& context, const MatmulWeight& weight) const;

 private:
  struct Share {  // rows of the product to which something of low rank is added
    std::shared_ptr<const LayerChange::LowRank> low_rank;
    std::int64_t row = 0;        // of the product
    std::int64_t first = 0;      // of `up`
    std::vector<float> factors;  // of a DoRA, one per row; else empty
    std::int64_t count = 0;
  };

  std::vector<StoredRows> rows_;
  std::vector<std::unique_ptr<const RowChange>> changes_;
  std::vector<Share> shares_;
  std::int64_t count_ = 0;  // of rows
};

}  // namespace imagined::engine

#include "engine/models/common/adapters.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/formats/in_quotes.h"

namespace imagined::engine {
namespace {

// ---- names --------------------------------------------------------------------------------------

/// Whose layers a module is one of, where it is not the transformer's.
constexpr std::string_view kTextEncoders[] = {"text_encoder.", "text_encoder_2.", "text_encoders.",
                                              "lora_te"};
/// Before names whose dots were made underscores.
constexpr std::string_view kFlattened[] = {"lora_unet_", "lora_transformer_", "lycoris_"};
/// A spelling that some exports have. Source: diffusers, `lora_conversion_utils.py`.
constexpr std::string_view kCutName = "sformer_blocks.";
constexpr std::string_view kWholeName = "transformer_blocks.";

bool starts_with_any(std::string_view name, std::span<const std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](std::string_view prefix) { return name.starts_with(prefix); });
}

/// Finds what a network calls the layers that a file calls otherwise.
class Names {
 public:
  Names(const WeightSource& source, const NameTable& table) : source_(source), table_(table) {}

  /// The tensors with that ending that a module has, as the network's own file would have it; none
  /// for no such layer.
  std::optional<CanonicalNames> find(std::string_view module, std::string_view end) const {
    for (const std::string_view prefix : kFlattened) {
      if (!module.starts_with(prefix)) continue;
      std::string name(module.substr(prefix.size()));
      return find_flattened(name, end, 0, 0);
    }
    for (std::size_t at = 0; at < module.size();) {  // behind whatever stands before the name
      const std::string_view name = module.substr(at);
      if (auto found = known(name, end)) return found;
      if (name.starts_with(kCutName)) {
        const std::string whole =
            std::string(kWholeName) + std::string(name.substr(kCutName.size()));
        if (auto found = known(whole, end)) return found;
      }
      const std::size_t dot = module.find('.', at);
      at = dot == std::string_view::npos ? module.size() : dot + 1;
    }
    return std::nullopt;
  }

 private:
  std::optional<CanonicalNames> known(std::string_view module, std::string_view end) const {
    CanonicalNames names = table_.canonical(fmt::format("{}{}", module, end), 0);
    const bool all = !names.names.empty() &&
                     std::all_of(names.names.begin(), names.names.end(),
                                 [&](const std::string& name) { return source_.has(name); });
    return all ? std::optional(std::move(names)) : std::nullopt;
  }

  /// Every underscore was one or a dot: of all spellings the one that the network has.
  std::optional<CanonicalNames> find_flattened(std::string& name, std::string_view end,
                                               std::size_t from, int seen) const {
    constexpr int kUnderscoresMax = 12;  // "lora_unet_" apart; no layer has more than nine
    const std::size_t at = name.find('_', from);
    if (at == std::string::npos || seen == kUnderscoresMax) return known(name, end);
    for (const char spelled : {'.', '_'}) {
      name[at] = spelled;
      if (auto found = find_flattened(name, end, at + 1, seen + 1)) return found;
    }
    return std::nullopt;
  }

  const WeightSource& source_;
  const NameTable& table_;
};

// ---- numbers ------------------------------------------------------------------------------------

Result<Tensor> numbers_of(const FileTensor& tensor, std::int64_t rows, std::int64_t cols) {
  Tensor out(rows, cols);
  decode_rows(tensor.stored_rows(0, rows, cols), out);
  if (all_finite(StoredRows(out))) return out;
  return fail(ErrorCode::data_loss,
              fmt::format("tensor {} holds NaN or infinity", in_quotes(tensor.name)));
}

Result<Tensor> matrix_of(const FileTensor& tensor) {
  return numbers_of(tensor, tensor.shape[0], tensor.shape[1]);
}

void scale(Tensor& matrix, double factor) {
  for (float& value : matrix.values())
    value = static_cast<float>(static_cast<double>(value) * factor);
}

/// A factor of a LoKr, whole or as the product of its parts.
Result<Tensor> factor_of(const FileTensor* whole, const FileTensor* a, const FileTensor* b) {
  if (whole != nullptr) return matrix_of(*whole);
  const Tensor left = TRY(matrix_of(*a));
  const Tensor right = TRY(matrix_of(*b));
  Tensor out = Tensor::zeros(left.rows(), right.cols());
  for (std::int64_t i = 0; i < out.rows(); ++i)
    for (std::int64_t r = 0; r < right.rows(); ++r)
      for (std::int64_t j = 0; j < out.cols(); ++j)
        out.row(i)[j] += left.row(i)[r] * right.row(r)[j];
  return out;
}

/// The rows of a matrix with its halves exchanged, as far as a file's layout wants it.
template <class Row>
void exchange_halves(std::int64_t rows, const Row& swap_rows) {
  for (std::int64_t r = 0; r < rows / 2; ++r) swap_rows(r, r + rows / 2);
}

tl::unexpected<Error> refuse(const FileTensor& tensor, std::string_view what) {
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("tensor {} is {}; {}", in_quotes(tensor.name), to_string(tensor.shape), what));
}

/// What a module does to a weight of all rows [n, k] of the layers that it is.
Result<LayerChange> read_change(const AdapterModule& module, float strength, bool swap_halves,
                                std::int64_t n, std::int64_t k) {
  LayerChange change;
  const double factor = module.scale * static_cast<double>(strength);
  if (module.is_lora()) {
    if (module.down->shape[1] != k)
      return refuse(*module.down, fmt::format("rows of {} are needed", k));
    if (module.up->shape[0] != n) return refuse(*module.up, fmt::format("{} rows are needed", n));
    auto low_rank = std::make_shared<LayerChange::LowRank>();
    low_rank->down = TRY(matrix_of(*module.down));
    low_rank->up = TRY(matrix_of(*module.up));
    scale(low_rank->up, factor);
    if (swap_halves)
      exchange_halves(n, [&](std::int64_t a, std::int64_t b) {
        std::swap_ranges(low_rank->up.row(a), low_rank->up.row(a) + low_rank->up.cols(),
                         low_rank->up.row(b));
      });
    change.low_rank = std::move(low_rank);
  } else {
    auto product = std::make_shared<KroneckerProduct>();
    Tensor& in_order = module.is_lokr() ? product->left : product->right;  // as the rows are
    if (module.is_lokr()) {
      product->left = TRY(factor_of(module.w1, module.w1_a, module.w1_b));
      product->right = TRY(factor_of(module.w2, module.w2_a, module.w2_b));
    } else {
      if (module.weight->elements() != n * k)
        return refuse(*module.weight, fmt::format("the layer is [{}, {}]", n, k));
      product->left = Tensor(1, 1);
      product->left.row(0)[0] = 1;
      product->right = TRY(numbers_of(*module.weight, n, k));
    }
    if (product->rows() != n || product->cols() != k)
      return refuse(module.first(), fmt::format("the layer is [{}, {}], the change [{}, {}]", n, k,
                                                product->rows(), product->cols()));
    scale(product->left, factor);
    if (swap_halves && in_order.rows() % 2 != 0)
      return refuse(module.first(), "its halves stand in the other order and cannot be parted");
    if (swap_halves)
      exchange_halves(in_order.rows(), [&](std::int64_t a, std::int64_t b) {
        std::swap_ranges(in_order.row(a), in_order.row(a) + in_order.cols(), in_order.row(b));
      });
    change.kronecker = std::move(product);
  }
  if (module.magnitude != nullptr) {
    const FileTensor& tensor = *module.magnitude;
    if (tensor.shape.empty() || tensor.shape.front() != n || tensor.elements() != n)
      return refuse(tensor, fmt::format("one magnitude for each of {} rows is needed", n));
    const Tensor magnitude = TRY(numbers_of(tensor, 1, n));
    change.magnitude.assign(magnitude.values().begin(), magnitude.values().end());
    if (swap_halves)
      exchange_halves(n, [&](std::int64_t a, std::int64_t b) {
        std::swap(change.magnitude[static_cast<std::size_t>(a)],
                  change.magnitude[static_cast<std::size_t>(b)]);
      });
  }
  return change;
}

/// The lengths of rows of w + up . down, or w + kronecker, rows [first, ...) of the change.
std::vector<float> row_lengths(const Context& context, const LayerChange& change,
                               std::int64_t first, const StoredRows& w) {
  std::vector<float> lengths(static_cast<std::size_t>(w.rows()));
  RowChange own{.cols = w.cols()};
  if (change.kronecker != nullptr)
    own.terms.push_back({.product = change.kronecker, .first = first});
  const StoredRows rows = change.kronecker != nullptr ? w.changed(own) : w;
  context.pool().parallel_for(w.rows(), 1, [&](std::int64_t begin, std::int64_t end, int) {
    std::vector<float> row(static_cast<std::size_t>(w.cols()));
    for (std::int64_t r = begin; r < end; ++r) {
      rows.decode(r * w.cols(), w.cols(), row.data());
      if (change.low_rank != nullptr) {
        const LayerChange::LowRank& low_rank = *change.low_rank;
        for (std::int64_t i = 0; i < low_rank.down.rows(); ++i) {
          const float factor = low_rank.up.row(first + r)[i];
          const float* const down = low_rank.down.row(i);
          for (std::size_t c = 0; c < row.size(); ++c) row[c] += factor * down[c];
        }
      }
      double sum = 0;
      for (const float value : row) sum += static_cast<double>(value) * value;
      lengths[static_cast<std::size_t>(r)] = static_cast<float>(std::sqrt(sum));
    }
  });
  return lengths;
}

}  // namespace

Result<Adapters> Adapters::make(std::span<const Adapter> adapters, const WeightSource& source,
                                const NameTable& table) {
  Adapters all;
  for (const Adapter& adapter : adapters) {
    if (Result<> added = all.add(adapter, source, table); !added) {
      added.error().message = fmt::format("{}: {}", adapter.file->name(), added.error().message);
      added.error().detail = adapter.file->path().string();
      return tl::unexpected(std::move(added.error()));
    }
  }
  return all;
}

Result<> Adapters::add(const Adapter& adapter, const WeightSource& source, const NameTable& table) {
  const Names names(source, table);
  std::string unused;
  std::size_t unused_count = 0;
  for (const AdapterModule& module : adapter.file->modules()) {
    if (starts_with_any(module.name, kTextEncoders)) {
      unused += (unused_count++ == 0 ? "" : ", ") + module.name;
      continue;
    }
    const auto find = [&](const FileTensor& tensor,
                          std::string_view end) -> Result<CanonicalNames> {
      if (auto found = names.find(module.name, end)) return std::move(*found);
      return fail(ErrorCode::invalid_argument,
                  fmt::format("tensor {} changes a layer that this model, {}, does not have",
                              in_quotes(tensor.name), table.what));
    };
    for (const auto& [tensor, end] :
         {std::pair(module.bias, ".bias"), std::pair(module.modulation, ".modulation")})
      if (tensor != nullptr) {
        const CanonicalNames vectors = TRY(find(*tensor, end));
        TRY(add_shift(vectors, *tensor, adapter.scale, source));
      }
    if (!module.is_lora() && !module.is_lokr() && module.weight == nullptr) continue;
    const CanonicalNames weights = TRY(find(module.first(), ".weight"));
    if (module.weight != nullptr && source.shape(weights.names.front()).size() == 1) {
      TRY(add_shift(weights, *module.weight, adapter.scale, source));
      continue;
    }
    std::int64_t n = 0;
    std::int64_t k = 0;
    for (const std::string& name : weights.names) {
      const std::vector<std::int64_t> shape = source.shape(name);
      if (shape.size() != 2 || (k != 0 && shape[1] != k))
        return fail(ErrorCode::invalid_argument,
                    fmt::format("tensor {} changes {}, which is no linear layer",
                                in_quotes(module.first().name), name));
      n += shape[0];
      k = shape[1];
    }
    LayerChange change = TRY(read_change(module, adapter.scale, weights.swap_halves, n, k));
    const std::vector<float> magnitude = std::move(change.magnitude);
    std::int64_t first = 0;
    for (const std::string& name : weights.names) {
      LayerChange share = change;
      share.first = first;
      const std::int64_t rows = source.shape(name).front();
      if (!magnitude.empty())
        share.magnitude.assign(magnitude.begin() + first, magnitude.begin() + first + rows);
      changes_[name].push_back(std::move(share));
      first += rows;
    }
  }
  if (unused_count == adapter.file->modules().size())
    return fail(ErrorCode::invalid_argument,
                "it changes text encoders alone, which are not changed");
  if (unused_count > 0)
    notes_.push_back(fmt::format("{}: {} layers of text encoders are not changed: {}",
                                 adapter.file->name(), unused_count, unused));
  return {};
}

Result<> Adapters::add_shift(const CanonicalNames& names, const FileTensor& tensor, float strength,
                             const WeightSource& source) {
  std::int64_t count = 0;
  for (const std::string& name : names.names) {
    const std::vector<std::int64_t> shape = source.shape(name);
    if (shape.size() != 1) return refuse(tensor, fmt::format("{} is no vector", name));
    count += shape.front();
  }
  if (tensor.elements() != count) return refuse(tensor, fmt::format("{} are needed", count));
  Tensor numbers = TRY(numbers_of(tensor, 1, count));
  scale(numbers, static_cast<double>(strength));
  const std::span<float> values = numbers.values();
  if (names.swap_halves)
    std::ranges::rotate(values, values.begin() + static_cast<std::ptrdiff_t>(count / 2));
  auto from = values.begin();
  for (const std::string& name : names.names) {
    std::vector<float>& sum = shifts_[name];
    sum.resize(static_cast<std::size_t>(source.shape(name).front()));
    for (float& value : sum) value += *from++;
  }
  return {};
}

std::span<const float> Adapters::shift(std::string_view vector) const {
  const auto found = shifts_.find(vector);
  return found == shifts_.end() ? std::span<const float>() : found->second;
}

std::span<const LayerChange> Adapters::changes(std::string_view weight) const {
  const auto found = changes_.find(weight);
  return found == changes_.end() ? std::span<const LayerChange>() : found->second;
}

void AdaptedWeight::add(const Context& context, std::span<const LayerChange> changes,
                        std::int64_t first, std::span<const StoredRows> rows) {
  for (const StoredRows& block : rows) {
    auto change = std::make_unique<RowChange>(RowChange{.cols = block.cols()});
    for (const LayerChange& layer : changes) {
      const std::int64_t at = layer.first + first;
      std::vector<float> factors;
      if (!layer.magnitude.empty()) {
        factors = row_lengths(context, layer, at, block);
        if (change->factors.empty()) change->factors.assign(factors.size(), 1.0f);
        for (std::size_t r = 0; r < factors.size(); ++r) {
          const float wanted = layer.magnitude[static_cast<std::size_t>(first) + r];
          factors[r] = factors[r] > 0 ? wanted / factors[r] : 0.0f;
          change->factors[r] += factors[r] - 1.0f;  // what several of them add to the same weight
        }
      }
      if (layer.low_rank != nullptr) {
        shares_.push_back({.low_rank = layer.low_rank,
                           .row = count_,
                           .first = at,
                           .factors = std::move(factors),
                           .count = block.rows()});
      } else {
        change->terms.push_back(
            {.product = layer.kronecker, .first = at, .factors = std::move(factors)});
      }
    }
    if (change->empty()) {
      rows_.push_back(block);
    } else {
      rows_.push_back(block.changed(*change));
      changes_.push_back(std::move(change));
    }
    first += block.rows();
    count_ += block.rows();
  }
}

MatmulWeight AdaptedWeight::with_side(const Context& context, const MatmulWeight& weight) const {
  if (shares_.empty()) return weight;
  // Rows that share a module share its inner rows; all modules stand side by side.
  std::vector<const LayerChange::LowRank*> modules;
  std::vector<StoredRows> down;
  std::vector<std::int64_t> columns;
  std::int64_t rank = 0;
  std::vector<std::size_t> module_of;
  for (const Share& share : shares_) {
    const auto known = std::find(modules.begin(), modules.end(), share.low_rank.get());
    module_of.push_back(static_cast<std::size_t>(known - modules.begin()));
    if (known != modules.end()) continue;
    modules.push_back(share.low_rank.get());
    down.emplace_back(share.low_rank->down.view());
    columns.push_back(rank);
    rank += share.low_rank->down.rows();
  }
  Tensor up = Tensor::zeros(count_, rank);
  for (std::size_t s = 0; s < shares_.size(); ++s) {
    const Share& share = shares_[s];
    const Tensor& from = share.low_rank->up;
    for (std::int64_t r = 0; r < share.count; ++r) {
      const float factor =
          share.factors.empty() ? 1.0f : share.factors[static_cast<std::size_t>(r)];
      float* const to = up.row(share.row + r) + columns[module_of[s]];
      for (std::int64_t i = 0; i < from.cols(); ++i) to[i] = factor * from.row(share.first + r)[i];
    }
  }
  return weight.with_side(context, down, up);
}

}  // namespace imagined::engine

#include "engine/formats/weight_source.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "engine/formats/in_quotes.h"

namespace imagined::engine {
namespace {

std::int64_t product(std::span<const std::int64_t> sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), std::int64_t{1}, std::multiplies<>());
}

std::int64_t rows_of(std::span<const std::int64_t> shape) {
  return shape.empty() ? 1 : shape.front();
}

/// Where a canonical weight lies.
struct Piece {
  const FileTensor* tensor = nullptr;
  std::int64_t first = 0;  // of its rows among the tensor's
  std::int64_t parts = 1;  // how many weights share the tensor
  bool swap_halves = false;
  bool renamed = false;
  std::vector<std::int64_t> shape;
  bool used = false;
  std::shared_ptr<TensorHealth> health;  // once it was asked for
};

/// `tensor "img_in.weight" (x_embedder.weight)`: the file's name, and ours where it differs.
std::string shown_name(const Piece& piece, std::string_view canonical) {
  std::string text = fmt::format("tensor {}", in_quotes(piece.tensor->name));
  if (piece.renamed) text += fmt::format(" ({})", canonical);
  return text;
}

Result<> check_dtype(const Piece& piece, std::string_view name) {
  if (piece.tensor->is_readable()) return {};
  return fail(ErrorCode::unimplemented, fmt::format("{}: stored as {}; {}", shown_name(piece, name),
                                                    piece.tensor->dtype_name, kReadTypes));
}

/// How wide the rows of the layer are that a tensor is the weight or the bias of; 0: not known.
std::int64_t layer_width(const FileTensor& tensor, const NetworkTensors& network) {
  if (tensor.shape.size() > 1) return tensor.shape[1];
  const std::string weight = tensor.name.substr(0, tensor.name.rfind('.')) + ".weight";
  for (const FileTensor* other : network.tensors)
    if (other->name == weight && other->shape.size() > 1) return other->shape[1];
  return 0;
}

/// How many rows each of the weights has that share `rows` of a tensor; empty where they cannot be
/// shared out.
std::vector<std::int64_t> shares_of(const CanonicalNames& canonical, std::int64_t rows,
                                    std::int64_t width) {
  const auto parts = static_cast<std::int64_t>(canonical.names.size());
  if (!canonical.rest_last) {
    if (parts > 1 && rows % parts != 0) return {};
    return std::vector<std::int64_t>(canonical.names.size(),
                                     rows / std::max<std::int64_t>(1, parts));
  }
  std::vector<std::int64_t> shares(canonical.names.size(), width);
  shares.back() = rows - (parts - 1) * width;
  return width > 0 && shares.back() > 0 ? shares : std::vector<std::int64_t>();
}

/// The shape that the file's tensor would need for `expected` to be right.
std::vector<std::int64_t> as_in_file(const Piece& piece, std::span<const std::int64_t> expected) {
  std::vector<std::int64_t> shape(expected.begin(), expected.end());
  if (!shape.empty()) {
    const std::int64_t others = rows_of(piece.tensor->shape) - rows_of(piece.shape);
    const bool equal = others == (piece.parts - 1) * rows_of(piece.shape);
    shape.front() = equal ? shape.front() * piece.parts : shape.front() + others;
  }
  if (piece.shape.size() == 2 && piece.tensor->shape.size() > 2 && shape.size() == 2) {
    const std::span<const std::int64_t> inner = std::span(piece.tensor->shape).subspan(2);
    if (product(inner) > 0 && shape[1] % product(inner) == 0) {
      shape[1] /= product(inner);
      shape.insert(shape.end(), inner.begin(), inner.end());
    }
  }
  return shape;
}

}  // namespace

struct WeightSource::State {
  std::shared_ptr<const WeightFiles> files;
  std::map<std::string, Piece, std::less<>> pieces;
  WeightLayout layout = WeightLayout::diffusers;
  std::int64_t parameters = 0;
  std::int64_t size_bytes = 0;

  /// width: of the layer's rows, see layer_width.
  Result<> add(const FileTensor& tensor, const CanonicalNames& canonical, std::int64_t width);
};

std::int64_t Weight::elements() const { return product(shape); }

Result<> WeightSource::State::add(const FileTensor& tensor, const CanonicalNames& canonical,
                                  std::int64_t width) {
  const std::size_t parts = canonical.names.size();
  Piece piece;
  piece.tensor = &tensor;
  piece.parts = static_cast<std::int64_t>(parts);
  piece.swap_halves = canonical.swap_halves;
  piece.shape = tensor.shape;
  if (canonical.matrix && piece.shape.size() > 2)
    piece.shape = {piece.shape.front(), product(std::span(piece.shape).subspan(1))};
  if (canonical.vector && piece.shape.size() > 1) piece.shape = {product(piece.shape)};
  const std::int64_t rows = rows_of(piece.shape);
  const std::vector<std::int64_t> shares = piece.shape.empty() && parts > 1
                                               ? std::vector<std::int64_t>()
                                               : shares_of(canonical, rows, width);
  const bool halved = !piece.swap_halves || (!piece.shape.empty() && rows % 2 == 0);
  if ((parts > 0 && shares.empty()) || !halved)
    return fail(ErrorCode::invalid_argument,
                fmt::format("tensor {}: {} cannot be split into {} {}", in_quotes(tensor.name),
                            to_string(tensor.shape), halved ? parts : 2,
                            canonical.rest_last ? "parts" : "equal parts"));
  auto share = shares.begin();
  for (const std::string& name : canonical.names) {
    piece.renamed = name != tensor.name;
    if (parts > 1) piece.shape.front() = *share;
    const auto [entry, added] = pieces.emplace(name, piece);
    if (!added)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("tensor {} and tensor {} are the same weight ({})",
                              in_quotes(entry->second.tensor->name), in_quotes(tensor.name), name));
    piece.first += *share++;
  }
  parameters += tensor.elements();
  size_bytes += static_cast<std::int64_t>(tensor.bytes.size());
  return {};
}

WeightSource::WeightSource(std::unique_ptr<State> state) : state_(std::move(state)) {}
WeightSource::WeightSource(WeightSource&&) noexcept = default;
WeightSource& WeightSource::operator=(WeightSource&&) noexcept = default;
WeightSource::~WeightSource() = default;

Result<WeightSource> WeightSource::make(std::shared_ptr<const WeightFiles> files,
                                        const NetworkTensors& network) {
  auto state = std::make_unique<State>();
  state->files = std::move(files);
  std::vector<std::string_view> names;
  for (const FileTensor* tensor : network.tensors) names.emplace_back(tensor->name);
  const std::int64_t decoder_levels = count_indices(names, network.prefix + "decoder.up.");
  for (const FileTensor* tensor : network.tensors) {
    const std::string_view name = std::string_view(tensor->name).substr(network.prefix.size());
    const CanonicalNames canonical = network.table->canonical(name, decoder_levels);
    if (canonical.bfl) state->layout = WeightLayout::bfl;
    TRY(state->add(*tensor, canonical, layer_width(*tensor, network)));
  }
  return WeightSource(std::move(state));
}

Result<WeightSource> WeightSource::open(const std::filesystem::path& path, const NameTable& table) {
  const NameTable* const known[] = {&table};
  std::shared_ptr<const WeightFiles> files = TRY(WeightFiles::open(path, known));
  if (const NetworkTensors* network = files->contents().find(table)) return make(files, *network);
  return make(files, {.table = &table, .prefix = {}, .tensors = files->tensors()});
}

WeightLayout WeightSource::layout() const { return state_->layout; }

bool WeightSource::has(std::string_view name) const {
  return state_->pieces.find(name) != state_->pieces.end();
}

std::vector<std::int64_t> WeightSource::shape(std::string_view name) const {
  const auto found = state_->pieces.find(name);
  return found == state_->pieces.end() ? std::vector<std::int64_t>() : found->second.shape;
}

std::vector<std::string> WeightSource::names() const {
  std::vector<std::string> names;
  for (const auto& [name, piece] : state_->pieces) names.push_back(name);
  return names;
}

Result<Weight> WeightSource::require(std::string_view name,
                                     std::span<const std::int64_t> expected) {
  const auto found = state_->pieces.find(name);
  if (found == state_->pieces.end())
    return fail(ErrorCode::not_found, fmt::format("tensor {} is missing", in_quotes(name)));
  Piece& piece = found->second;
  piece.used = true;
  TRY(check_dtype(piece, name));
  if (!std::equal(piece.shape.begin(), piece.shape.end(), expected.begin(), expected.end()))
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{}: expected {}, file has {}", shown_name(piece, name),
                    to_string(as_in_file(piece, expected)), to_string(piece.tensor->shape)));
  Weight weight;
  weight.name = std::string(name);
  weight.shape = piece.shape;
  const bool vector = weight.shape.size() < 2;
  const std::int64_t elements = product(weight.shape);
  const std::int64_t rows = vector ? 1 : weight.shape.front();
  const std::int64_t cols = vector ? elements : product(std::span(weight.shape).subspan(1));
  const std::int64_t first = piece.first * (vector ? 1 : cols);
  if (piece.health == nullptr) piece.health = std::make_shared<TensorHealth>();
  const auto add = [&](std::int64_t begin, std::int64_t count, std::int64_t length) {
    weight.parts.push_back(piece.tensor->stored_rows(begin, count, length).watched(*piece.health));
  };
  if (!piece.swap_halves) {
    add(first, rows, cols);
  } else {
    const std::int64_t half_rows = vector ? 1 : rows / 2;
    const std::int64_t half_cols = vector ? cols / 2 : cols;
    for (const std::int64_t begin : {first + elements / 2, first}) add(begin, half_rows, half_cols);
  }
  return weight;
}

Result<std::vector<float>> WeightSource::require_vector(std::string_view name,
                                                        std::int64_t expected) {
  const Weight weight = TRY(require(name, {expected}));
  std::vector<float> values(static_cast<std::size_t>(expected));
  std::int64_t at = 0;
  for (const StoredRows& part : weight.parts) {
    const MatrixView out{.data = values.data() + at,
                         .dtype = DType::f32,
                         .rows = 1,
                         .cols = part.cols(),
                         .stride = part.cols()};
    decode_rows(part, out);
    at += part.cols();
  }
  const auto broken = std::find_if_not(values.begin(), values.end(),
                                       [](float value) { return std::isfinite(value); });
  if (broken != values.end())
    return fail(
        ErrorCode::data_loss,
        fmt::format("{}: element {} is {}", shown_name(state_->pieces.find(name)->second, name),
                    broken - values.begin(), *broken));
  return values;
}

std::vector<std::string> WeightSource::unused() const {
  std::vector<std::string> names;
  for (const auto& [name, piece] : state_->pieces)
    if (!piece.used) names.push_back(name);
  return names;
}

Result<> WeightSource::refuse_unused(
    const std::function<bool(std::string_view name)>& expected) const {
  constexpr std::size_t kShownNames = 3;
  std::size_t count = 0;
  std::string shown;
  for (const auto& [name, piece] : state_->pieces) {
    if (piece.used || expected(name)) continue;
    if (count++ < kShownNames) shown += (shown.empty() ? "" : ", ") + in_quotes(name);
  }
  if (count == 0) return {};
  return fail(ErrorCode::invalid_argument, fmt::format("{} {} that this model does not know: {}{}",
                                                       count, count == 1 ? "tensor" : "tensors",
                                                       shown, count > kShownNames ? ", ..." : ""));
}

Result<> WeightSource::intact() const { return state_->files->intact(); }

Result<> WeightSource::sound() const {
  TRY(intact());
  for (const auto& [name, piece] : state_->pieces) {
    if (piece.health == nullptr || piece.health->finite.load(std::memory_order_relaxed)) continue;
    return fail(ErrorCode::data_loss,
                fmt::format("{} holds NaN or infinity", shown_name(piece, name)));
  }
  return {};
}

std::int64_t WeightSource::parameters() const { return state_->parameters; }
std::int64_t WeightSource::size_bytes() const { return state_->size_bytes; }

}  // namespace imagined::engine

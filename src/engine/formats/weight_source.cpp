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

/// Where a canonical weight lies.
struct Piece {
  const FileTensor* tensor = nullptr;
  std::int64_t part = 0;   // which share of the rows
  std::int64_t parts = 1;  // of how many
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

/// The shape that the file's tensor would need for `expected` to be right.
std::vector<std::int64_t> as_in_file(const Piece& piece, std::span<const std::int64_t> expected) {
  std::vector<std::int64_t> shape(expected.begin(), expected.end());
  if (!shape.empty()) shape.front() *= piece.parts;
  if (piece.shape.size() < piece.tensor->shape.size() && shape.size() == 2)
    shape.insert(shape.end(), {1, 1});
  return shape;
}

}  // namespace

struct WeightSource::State {
  std::shared_ptr<const WeightFiles> files;
  std::map<std::string, Piece, std::less<>> pieces;
  WeightLayout layout = WeightLayout::diffusers;
  std::int64_t parameters = 0;
  std::int64_t size_bytes = 0;

  Result<> add(const FileTensor& tensor, const CanonicalNames& canonical);
};

std::int64_t Weight::elements() const { return product(shape); }

Result<> WeightSource::State::add(const FileTensor& tensor, const CanonicalNames& canonical) {
  const auto parts = static_cast<std::int64_t>(canonical.names.size());
  Piece piece;
  piece.tensor = &tensor;
  piece.parts = parts;
  piece.swap_halves = canonical.swap_halves;
  piece.shape = tensor.shape;
  if (canonical.squeeze && piece.shape.size() == 4 && piece.shape[2] == 1 && piece.shape[3] == 1)
    piece.shape.resize(2);
  const std::int64_t rows = piece.shape.empty() ? 1 : piece.shape.front();
  const std::int64_t shares = piece.swap_halves ? 2 : parts;
  if (shares > 1 && (piece.shape.empty() || rows % shares != 0))
    return fail(ErrorCode::invalid_argument,
                fmt::format("tensor {}: {} cannot be split into {} equal parts",
                            in_quotes(tensor.name), to_string(tensor.shape), shares));
  if (parts > 1) piece.shape.front() = rows / parts;
  for (const std::string& name : canonical.names) {
    piece.renamed = name != tensor.name;
    const auto [entry, added] = pieces.emplace(name, piece);
    if (!added)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("tensor {} and tensor {} are the same weight ({})",
                              in_quotes(entry->second.tensor->name), in_quotes(tensor.name), name));
    ++piece.part;
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
    TRY(state->add(*tensor, canonical));
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
  const std::int64_t first = piece.part * elements;
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

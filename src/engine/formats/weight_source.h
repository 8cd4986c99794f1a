// The weights of one network under the names that diffusers gives them, whatever the file's layout.
//
// diffusers folders keep q, k and v apart; the single files of Black Forest Labs and ComfyUI fuse
// them, call everything differently and store the last modulation with its halves exchanged. Here
// those differences end: a network asks for "transformer_blocks.3.attn.to_q.weight" and gets rows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/formats/file_tensor.h"
#include "engine/formats/name_table.h"
#include "engine/formats/weight_files.h"

namespace imagined::engine {

/// The names a file uses; decided from the names themselves.
enum class WeightLayout : std::uint8_t {
  diffusers,  // also transformers' own names, for qwen3
  bfl,        // black-forest-labs' single files and ComfyUI's
};

/// One weight under its canonical name. The bytes belong to the WeightSource.
struct Weight {
  std::string name;
  std::vector<std::int64_t> shape;
  /// Blocks of rows, to be taken one below the other: [rows_i, cols] where cols is the product of
  /// all sizes but the first; a vector [n] is [1, n]. One block, except where the file holds the
  /// halves in the other order. To fuse q, k and v, append the blocks of all three.
  std::vector<StoredRows> parts;

  std::int64_t elements() const;
};

/// All weights of one network: one file, the shards of an index, or the part of an all-in-one file
/// that belongs to the network. Immutable after opening but for the notes of what was asked for, by
/// the one thread that loads, and of what readers of the rows have found, by any.
class WeightSource {
 public:
  /// The weights of one network among those of some files. Errors: `invalid_argument` for the same
  /// weight twice, or fused rows that do not divide.
  static Result<WeightSource> make(std::shared_ptr<const WeightFiles> files,
                                   const NetworkTensors& network);

  /// The same from files that hold nothing but this network, or this network beside others whose
  /// names are all different. Errors: those of WeightFiles::open too.
  static Result<WeightSource> open(const std::filesystem::path& path, const NameTable& table);

  WeightSource(WeightSource&&) noexcept;
  WeightSource& operator=(WeightSource&&) noexcept;
  ~WeightSource();

  WeightLayout layout() const;

  bool has(std::string_view name) const;
  /// The shape under a canonical name (after splitting), or empty when there is no such weight;
  /// does not count as use.
  std::vector<std::int64_t> shape(std::string_view name) const;
  /// All canonical names, sorted.
  std::vector<std::string> names() const;

  /// The weight, checked and marked as used. Errors: `not_found` (`tensor "x" is missing`);
  /// `invalid_argument` (`tensor "img_in.weight": expected [3072, 128], file has [3072, 64]`);
  /// `unimplemented` for a stored type that is not readable (FileTensor). The messages speak of the
  /// file's own tensor names, canonical in parentheses where they differ.
  Result<Weight> require(std::string_view name, std::span<const std::int64_t> expected);
  Result<Weight> require(std::string_view name, std::initializer_list<std::int64_t> expected) {
    return require(name, std::span<const std::int64_t>(expected.begin(), expected.size()));
  }
  /// A small vector (norm weights, biases, running statistics) widened or decoded to f32. Errors as
  /// `require`; also `data_loss` when a value is not finite.
  Result<std::vector<float>> require_vector(std::string_view name, std::int64_t expected);

  /// Canonical names nobody asked for, sorted.
  std::vector<std::string> unused() const;
  /// `invalid_argument` naming the first weights nobody asked for, unless `expected` says that this
  /// network may leave them: catches a file that belongs to another model.
  Result<> refuse_unused(const std::function<bool(std::string_view name)>& expected) const;

  /// `data_loss` when a file was cut or written to since it was opened.
  Result<> intact() const;
  /// The same, and also when a number that was read is NaN or infinite, with the tensor's name; ask
  /// after rows were read.
  Result<> sound() const;

  /// Of all weights of this network.
  std::int64_t parameters() const;
  std::int64_t size_bytes() const;

 private:
  struct State;
  explicit WeightSource(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace imagined::engine

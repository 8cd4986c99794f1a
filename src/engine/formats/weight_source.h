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
#include "engine/formats/weight_file.h"

namespace imagined::engine {

enum class Network : std::uint8_t { flux2, flux1, vae, qwen3, t5, clip };

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
/// that belongs to the network. Immutable after opening but for the note of what was asked for;
/// used by one thread while a model loads.
class WeightSource {
 public:
  /// path: a .safetensors or .gguf file, a `.safetensors.index.json`, or a component folder that
  /// holds one of them (`diffusion_pytorch_model` or `model`; else the only weight file in it).
  ///
  /// Known prefixes are cut off (`model.diffusion_model.`, `diffusion_model.`, `transformer.`;
  /// `vae.`, `first_stage_model.`; for qwen3 whatever stands before `embed_tokens.weight`); when a
  /// file has tensors with such a prefix, those without it belong to other networks and are left
  /// out. So is a text encoder's lm_head. llama.cpp's names of a text encoder are known too.
  /// Errors: those of WeightFile::open; `not_found` for a missing shard; `invalid_argument`
  /// for a broken index, a shard name with a path separator, or the same weight twice.
  static Result<WeightSource> open(const std::filesystem::path& path, Network network);

  /// The weights of files that are open already.
  static Result<WeightSource> from_files(std::vector<WeightFile> files, Network network);

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

  /// `data_loss` when a file shrank while it was read; ask when the network is loaded.
  Result<> intact() const;

  /// Of all weights of this network.
  std::int64_t parameters() const;
  std::int64_t size_bytes() const;

 private:
  struct State;
  explicit WeightSource(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace imagined::engine

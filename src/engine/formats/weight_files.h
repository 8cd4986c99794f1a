// The files that hold the weights of one or more networks, opened once.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/formats/name_table.h"
#include "engine/formats/weight_file.h"

namespace imagined::engine {

/// One file, or the shards of an index, and which networks are in there. Immutable and shared, by
/// whoever looks for a part and by whoever loads it.
class WeightFiles {
 public:
  /// path: a .safetensors, .sft or .gguf file, a `.safetensors.index.json`, or a component folder
  /// that holds one of them (`diffusion_pytorch_model` or `model`; else the only weight file in
  /// it).
  /// tables: the networks that are looked for.
  /// Errors: those of WeightFile::open; `not_found` for a missing shard; `invalid_argument` for a
  /// broken index, or a shard name with a path separator.
  static Result<std::shared_ptr<const WeightFiles>> open(const std::filesystem::path& path,
                                                         std::span<const NameTable* const> tables);

  /// The file, or the index.
  const std::filesystem::path& path() const { return path_; }
  std::span<const WeightFile> files() const { return files_; }
  /// Of all files, those that a tool wrote for one weight joined (join_quantised).
  const std::vector<const FileTensor*>& tensors() const { return tensors_; }
  const Contents& contents() const { return contents_; }
  /// `data_loss` when a file shrank since it was opened; see FileMap::intact.
  Result<> intact() const;

  WeightFiles(const WeightFiles&) = delete;
  WeightFiles& operator=(const WeightFiles&) = delete;

 private:
  WeightFiles() = default;

  std::filesystem::path path_;
  std::vector<WeightFile> files_;
  std::vector<FileTensor> joined_;
  std::vector<const FileTensor*> tensors_;  // into joined_
  Contents contents_;
};

}  // namespace imagined::engine

// Files that change a model: LoRA, DoRA and LoKr, as peft, diffusers, kohya, ai-toolkit, OneTrainer
// and LyCORIS write them. Which layer a module is, is not decided here.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/formats/weight_file.h"

namespace imagined::engine {

/// What a file says about one linear layer, whose weight is [n, k]. Either a LoRA, with `up` and
/// `down`, and a `magnitude` if it is a DoRA; or a LoKr, of which each factor is whole or in two
/// parts. What is not there is null.
struct AdapterModule {
  std::string name;                  // the file's for the layer, with whatever stands before it
  const FileTensor* down = nullptr;  // [r, k]
  const FileTensor* up = nullptr;    // [n, r]
  const FileTensor* magnitude = nullptr;  // n numbers
  const FileTensor* w1 = nullptr;         // [a, b]
  const FileTensor* w1_a = nullptr;       // [a, r]
  const FileTensor* w1_b = nullptr;       // [r, b]
  const FileTensor* w2 = nullptr;         // [c, d]
  const FileTensor* w2_a = nullptr;       // [c, r]
  const FileTensor* w2_b = nullptr;       // [r, d]
  double scale = 1;  // of the whole change: alpha / rank, where the file says alpha

  bool is_lokr() const { return down == nullptr; }
  /// The first of its tensors, for messages.
  const FileTensor& first() const;
};

/// Immutable.
class AdapterFile {
 public:
  /// Errors: those of WeightFile::open; `invalid_argument` for a file without modules, a module of
  /// which a tensor is missing or twice there, or one of another shape than its name says;
  /// `unimplemented` for another kind of change, naming the tensor.
  static Result<std::shared_ptr<const AdapterFile>> open(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return file_.path(); }
  /// "style.safetensors"
  std::string name() const { return path().filename().string(); }
  const std::vector<AdapterModule>& modules() const { return modules_; }

 private:
  explicit AdapterFile(WeightFile file) : file_(std::move(file)) {}
  Result<> read();

  WeightFile file_;
  std::vector<AdapterModule> modules_;
};

}  // namespace imagined::engine

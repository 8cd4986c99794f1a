// Files that change a model: LoRA, DoRA, LoKr and whole differences, as peft, diffusers, kohya,
// ai-toolkit, OneTrainer, LyCORIS and ComfyUI write them. Which layer a module is, is not decided
// here.
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

/// What a file says about one layer; of a linear one the weight is [n, k]. Either a LoRA, with `up`
/// and `down`, and a `magnitude` if it is a DoRA; or a LoKr, of which each factor is whole or in
/// two parts; or the whole difference, of a norm's weight too; or none of them, where only the bias
/// or the modulation differs. What is not there is null.
struct AdapterModule {
  std::string name;                  // the file's for the layer, with whatever stands before it
  const FileTensor* down = nullptr;  // [r, k]
  const FileTensor* up = nullptr;    // [n, r]
  const FileTensor* magnitude = nullptr;   // n numbers
  const FileTensor* w1 = nullptr;          // [a, b]
  const FileTensor* w1_a = nullptr;        // [a, r]
  const FileTensor* w1_b = nullptr;        // [r, b]
  const FileTensor* w2 = nullptr;          // [c, d]
  const FileTensor* w2_a = nullptr;        // [c, r]
  const FileTensor* w2_b = nullptr;        // [r, d]
  const FileTensor* weight = nullptr;      // the difference of the weight, of its shape
  const FileTensor* bias = nullptr;        // of the layer's bias
  const FileTensor* modulation = nullptr;  // of the table of Wan's of this name
  double scale = 1;  // of what is of low rank, or a LoKr: alpha / rank, where the file says alpha

  bool is_lora() const { return down != nullptr; }
  bool is_lokr() const { return w1 != nullptr || w1_a != nullptr; }
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

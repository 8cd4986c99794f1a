// The engine's one public face: load a model, generate pictures, watch and stop the work.
//
// The engine prints nothing, opens no socket, reads no clock and takes its seed as an argument.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"

namespace imagined::engine {

/// 8-bit pixels, row-major; `channels` is 3 (RGB) or, for a reference picture, 4 (RGBA).
struct Picture {
  int width = 0;
  int height = 0;
  int channels = 3;
  std::vector<std::uint8_t> pixels;
};

enum class Precision : std::uint8_t {
  f32,   // activations in f32, weights as stored in the file
  bf16,  // weights in bf16; products in bf16 where the machine has one, else in f32
};

struct LoadOptions {
  std::filesystem::path path;  // a diffusers folder, or a single .safetensors in the BFL layout
  Precision precision = Precision::bf16;
  int threads = 0;              // 0: all cores that this process may use
  std::string device = "cpu";   // "cpu" or "cuda:N"
  std::string implementations;  // see ContextOptions; for tests and benchmarks
};

/// What a model says about itself; read from its files, never assumed.
struct ModelSummary {
  std::string name;    // folder or file name
  std::string family;  // "flux2-klein"
  std::int64_t parameters = 0;
  std::int64_t weight_bytes = 0;  // held in memory once loaded
  int pixels_per_token = 16;
  std::int64_t native_pixels =
      0;  // larger pictures are made at this area and enlarged; 0: no limit
  int max_prompt_tokens = 512;
  int default_steps = 4;
  float default_guidance = 1;
  bool distilled = true;
};

struct GenerateRequest {
  std::string prompt;
  int width = 1024;  // pixels of the finished picture; any size >= 64
  int height = 1024;
  int steps = 0;  // 0: the model's default
  std::optional<float> guidance;
  std::uint64_t seed = 0;
  std::vector<Picture> references;  // 0 to 8
};

struct Progress {
  int step = 0;  // finished steps
  int steps = 0;
};

/// A loaded model. One call of `generate` at a time; the calls may come from different threads.
class Engine {
 public:
  /// Errors name the file, the tensor or the key that is wrong: `invalid_argument`, `not_found`,
  /// `data_loss` for broken bytes, `unimplemented` for a family or device this build does not know.
  static Result<std::unique_ptr<Engine>> load(const LoadOptions& options);
  virtual ~Engine() = default;

  virtual const ModelSummary& summary() const = 0;

  /// Makes one picture. `on_progress` is called from the calling thread after each step. A stop
  /// request takes effect within one step and returns `cancelled`.
  /// Same seed, model, request and class of machine: same bytes, with any number of threads.
  virtual Result<Picture> generate(const GenerateRequest& request,
                                   const std::function<void(Progress)>& on_progress,
                                   std::stop_token stop) = 0;
};

}  // namespace imagined::engine

// The engine looked at by those who build and compare it: how fast, how exact, what it reads. For
// commands and tests; the worker needs none of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/engine.h"

namespace imagined::engine {

/// What one stage of a benchmark took.
struct StageReport {
  std::string stage;   // text_encode, reference_encode, prepare, step, decode, finish
  int count = 0;       // how often the stage ran in one request
  double seconds = 0;  // of one run of the stage, the fastest of all pictures
  double gflop = 0;    // 1e9 multiplications and additions of one run, counted from the shapes
};

struct BenchRequest {
  GenerateRequest generate;
  int count = 1;                        // pictures of a batch; seeds count up
  int repeats = 1;                      // batches measured; the fastest run of each stage counts
  std::function<double()> seconds_now;  // any monotonic time; the engine reads no clock
};

struct BenchReport {
  ModelSummary model;
  double load_seconds = 0;
  std::vector<StageReport> stages;
  double seconds = 0;  // the whole request with all its pictures, the fastest of all
};

/// Loads a model and makes pictures with a clock running. Nothing is remembered from one picture to
/// the next. Errors: those of `Engine::load` and `Engine::generate`.
Result<BenchReport> bench_model(const LoadOptions& options, const BenchRequest& request);

/// The ids of a prompt in the chat template of the model at `path` (FLUX.1: T5's ids and its end
/// token), neither cut nor padded. A tokenizer's folder will do too.
Result<std::vector<std::int32_t>> tokenize_prompt(const std::filesystem::path& path,
                                                  std::string_view prompt,
                                                  const ModelChoices& choices = {});

struct CheckRequest {
  std::filesystem::path model;
  ModelChoices choices;
  std::filesystem::path golden;  // a recorded run (tests/golden/README.md)
  Precision precision = Precision::f32;
  std::filesystem::path result;  // where to write our own tensors; empty: nowhere
  int threads = 0;
  std::string implementations;
};

/// One tensor of a recorded run against ours.
struct TensorCheck {
  std::string name;
  double max_error = 0;     // largest absolute difference
  double relative_rms = 0;  // sqrt(mean((x - y)^2) / mean(y^2)); 0 for whole numbers
  double tolerance = 0;     // of the figure that is judged; 0 where all must be equal
  bool judged = true;       // a fast precision is judged by its first results only
  bool passed = true;
};

struct CheckReport {
  std::vector<TensorCheck> tensors;
  bool passed = true;
};

/// Runs a model on the inputs of a recorded run of the reference implementation and compares every
/// tensor that it recorded. Errors: those of `Engine::load`; `invalid_argument` and `data_loss` for
/// a golden file that is none. A difference is no error: see CheckReport::passed.
Result<CheckReport> check_model(const CheckRequest& request);

/// What this processor reaches in a loop of multiply-adds that touches no memory.
struct MachinePeak {
  std::string processor;
  int threads = 0;
  double f32_gflops = 0;
  double bf16_gflops = 0;  // 0 where the processor has no bf16 product
  double int8_gops = 0;    // 0 where it has no dot product of bytes
};

/// GFLOP/s of products of a transformer's size, in which weights are packed as in a step.
struct ProductRates {
  double blocks = 0;  // of a transformer's blocks, in a model's own precision
  double others = 0;  // of text encoders and VAE
};

/// Takes about half a second, ten times as long without AVX-512. threads 0: all cores this process
/// may use.
ProductRates measure_products(Precision precision, int threads, double (*seconds_now)());

/// Takes about half a second. threads 0: all cores this process may use.
MachinePeak measure_machine_peak(int threads, double (*seconds_now)());

}  // namespace imagined::engine

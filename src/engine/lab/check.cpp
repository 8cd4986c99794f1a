// Comparing a run with a recorded one (tests/golden/README.md says what such a file holds).
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/families/families.h"
#include "engine/formats/safetensors.h"
#include "engine/formats/safetensors_write.h"
#include "engine/lab/lab.h"
#include "engine/lab/recording.h"
#include "engine/pipeline/memory.h"
#include "engine/pipeline/pipeline.h"

namespace imagined::engine {
namespace {

constexpr double kExactTolerance = 1e-4;  // relative RMS; two f32 runs differ by 1e-6
constexpr double kSigmaTolerance = 1e-5;  // absolute
constexpr double kPixelTolerance = 2;     // levels of 255

/// A tensor of our run, as it goes into the result file.
struct Ours {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::vector<std::byte> bytes;
};

template <class T>
Ours make_ours(std::string name, DType dtype, std::vector<std::int64_t> shape,
               std::span<const T> values) {
  Ours ours{.name = std::move(name), .dtype = dtype, .shape = std::move(shape)};
  ours.bytes.resize(values.size_bytes());
  if (!values.empty()) std::memcpy(ours.bytes.data(), values.data(), values.size_bytes());
  return ours;
}

Ours make_ours(std::string name, const Tensor& tensor) {
  return make_ours<float>(std::move(name), DType::f32, {tensor.rows(), tensor.cols()},
                          tensor.values<float>());
}

Result<std::vector<std::int32_t>> recorded_ids(const SafetensorsFile& file,
                                               const std::string& name) {
  const FileTensor& tensor = *TRY(require_recorded(file, name, DType::i64, 1));
  std::vector<std::int32_t> ids;
  for (const std::int64_t id : values_of<std::int64_t>(tensor)) {
    ids.push_back(static_cast<std::int32_t>(std::clamp<std::int64_t>(id, -1, 1 << 30)));
  }
  if (ids.empty() || static_cast<std::int64_t>(ids.size()) > kMaxRecordedTokens) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("golden file: {} ids in \"{}\"", ids.size(), name));
  }
  return ids;
}

/// What fills a prompt up; nothing where the model was trained without.
std::optional<std::int32_t> padding_of(const PromptEncoder& prompts) {
  const PromptEncoding empty = prompts.ids("").main;
  if (empty.real_count == std::ssize(empty.ids)) return std::nullopt;
  return empty.ids.back();
}

/// The ids of the recorded run, so that a difference between the tokenizers is one and no more.
/// prefix  of the tensors' names: "" or "negative_".
Result<PromptIds> recorded_prompt(const SafetensorsFile& file, const std::string& prefix,
                                  const PromptIds& own, std::optional<std::int32_t> padding) {
  PromptIds recorded = own;
  if (!own.pooled.empty()) recorded.pooled = TRY(recorded_ids(file, prefix + "input_ids_clip"));
  std::vector<std::int32_t> ids = TRY(recorded_ids(file, prefix + "input_ids"));
  if (ids == own.main.ids) return recorded;
  std::size_t real = ids.size();
  while (real > 1 && ids[real - 1] == padding) --real;
  recorded.main = {.ids = std::move(ids), .real_count = static_cast<std::int64_t>(real)};
  return recorded;
}

// --- running -----------------------------------------------------------------------------------

struct Run {
  PromptIds own_prompt;  // what our tokenizers say
  PromptIds own_negative;
  RunInputs inputs;
  RunTrace trace;
  Tensor decoded;
};

Result<> read_noise(const Recording& recording, const Pipeline& pipeline, RunInputs& inputs) {
  const ModelPlan& model = pipeline.model();
  const std::int64_t side = model.pixels_per_token;
  const std::int64_t fold = model.noise_fold;
  const std::int64_t channels = pipeline.networks().transformer->channels();
  inputs.rows = recording.height / side;
  inputs.cols = recording.width / side;
  inputs.clip_frames = recording.clip_frames;
  inputs.clip_first = recording.clip_first;
  inputs.clip_stride = recording.clip_stride;
  const std::int64_t rows = inputs.rows * std::max(recording.clip_frames, 1);
  const std::vector<std::int64_t> expected = {channels / (fold * fold), rows * fold,
                                              inputs.cols * fold};
  const auto tokens = [&](const std::string& name) -> Result<Tensor> {
    const FileTensor& noise = *TRY(require_recorded(recording.file, name, DType::f32, 3));
    if (noise.shape != expected || noise.elements() == 0) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("golden file: tensor \"{}\": expected {}, file has {}", name,
                              to_string(expected), to_string(noise.shape)));
    }
    return pipeline.noise_from_planes(values_of<float>(noise), rows, inputs.cols);
  };
  inputs.noise = TRY(tokens("noise"));
  if (model.scheduler.solver != Solver::dmd) return {};
  std::vector<Tensor> later;
  for (int draw = 1; draw < recording.steps; ++draw)
    later.push_back(TRY(tokens(fmt::format("noise_{}", draw))));
  inputs.fresh_noise =
      [later = std::make_shared<const std::vector<Tensor>>(std::move(later))](int draw) {
        const Tensor& noise = (*later)[static_cast<std::size_t>(draw - 1)];
        Tensor copied(noise.rows(), noise.cols());
        std::ranges::copy(noise.values(), copied.values().begin());
        return copied;
      };
  return {};
}

Result<> read_references(const Recording& recording, const Pipeline& pipeline, RunInputs& inputs) {
  for (int i = 0; i < recording.references; ++i) {
    const std::string name = fmt::format("reference_{}", i);
    const FileTensor& tensor = *TRY(require_recorded(recording.file, name, DType::u8, 3));
    image::Picture picture{.width = static_cast<int>(tensor.shape[1]),
                           .height = static_cast<int>(tensor.shape[0]),
                           .channels = static_cast<int>(tensor.shape[2]),
                           .pixels = values_of<std::uint8_t>(tensor)};
    if (picture.channels != 3 && picture.channels != 4) {
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("golden file: tensor \"{}\" has {} channels", name, picture.channels));
    }
    inputs.references.push_back(TRY(pipeline.fit_reference_picture(picture)));
  }
  return {};
}

Result<Run> run_recording(const Recording& recording, Pipeline& pipeline) {
  const SafetensorsFile& file = recording.file;
  const PromptEncoder& prompts = *pipeline.networks().prompts;
  Run run;
  run.own_prompt = prompts.ids(recording.prompt);
  RunInputs& inputs = run.inputs;
  const std::optional<std::int32_t> padding = padding_of(prompts);
  inputs.prompt = TRY(recorded_prompt(file, "", run.own_prompt, padding));
  inputs.steps = recording.steps;
  inputs.guidance = recording.guidance;
  if (pipeline.uses_true_guidance(recording.guidance)) {
    run.own_negative = prompts.ids(recording.negative_prompt);
    inputs.negative = file.find("negative_input_ids") == nullptr
                          ? run.own_negative
                          : TRY(recorded_prompt(file, "negative_", run.own_negative, padding));
  }
  TRY(read_noise(recording, pipeline, inputs));
  TRY(read_references(recording, pipeline, inputs));
  run.decoded = TRY(pipeline.run(inputs, {.trace = &run.trace}));
  return run;
}

// --- our tensors -------------------------------------------------------------------------------

Ours ids_tensor(std::string name, const std::vector<std::int32_t>& narrow) {
  const std::vector<std::int64_t> ids(narrow.begin(), narrow.end());
  return make_ours<std::int64_t>(std::move(name), DType::i64,
                                 {static_cast<std::int64_t>(ids.size())}, ids);
}

/// [height * width, 3] as the [3, height, width] that PyTorch has.
Ours planes_tensor(std::string name, const Tensor& pixels, std::int64_t height,
                   std::int64_t width) {
  std::vector<float> planes(static_cast<std::size_t>(pixels.rows() * 3));
  for (std::int64_t i = 0; i < pixels.rows(); ++i) {
    for (std::int64_t c = 0; c < 3; ++c) {
      planes[static_cast<std::size_t>(c * pixels.rows() + i)] = pixels.row<float>(i)[c];
    }
  }
  return make_ours<float>(std::move(name), DType::f32, {3, height, width}, planes);
}

std::vector<Ours> collect(const Run& run, const Recording& recording, Pipeline& pipeline) {
  const std::int64_t side = pipeline.model().pixels_per_token;
  const std::int64_t height = run.inputs.rows * side;
  const std::int64_t width = run.inputs.cols * side;
  std::vector<Ours> all;
  all.push_back(ids_tensor("input_ids", run.own_prompt.main.ids));
  all.push_back(make_ours("prompt_embeds", run.trace.prompt_embeds));
  if (!run.trace.pooled_prompt_embeds.empty()) {
    all.push_back(ids_tensor("input_ids_clip", run.own_prompt.pooled));
    all.push_back(
        make_ours<float>("pooled_prompt_embeds", DType::f32,
                         {static_cast<std::int64_t>(run.trace.pooled_prompt_embeds.size())},
                         run.trace.pooled_prompt_embeds));
  }
  if (!run.trace.negative_prompt_embeds.empty()) {
    all.push_back(ids_tensor("negative_input_ids", run.own_negative.main.ids));
    all.push_back(make_ours("negative_prompt_embeds", run.trace.negative_prompt_embeds));
  }
  for (std::size_t i = 0; i < run.trace.reference_latents.size(); ++i) {
    all.push_back(
        make_ours(fmt::format("reference_latents_{}", i), run.trace.reference_latents[i]));
  }
  all.push_back(make_ours<float>("sigmas", DType::f32,
                                 {static_cast<std::int64_t>(run.trace.sigmas.size())},
                                 run.trace.sigmas));
  for (std::size_t i = 0; i < run.trace.velocities.size(); ++i) {
    all.push_back(make_ours(fmt::format("velocity_{}", i), run.trace.velocities[i]));
  }
  all.push_back(make_ours("latents", run.trace.latents));
  all.push_back(planes_tensor("decoded", run.decoded, height, width));
  const std::vector<std::uint8_t> pixels = pipeline.to_pixels(run.decoded);
  all.push_back(make_ours<std::uint8_t>("image", DType::u8, {height, width, 3}, pixels));
  // The inputs go along, so that the result is a recorded run of its own.
  for (const FileTensor& tensor : recording.file.tensors()) {
    if (is_input(tensor.name)) {
      all.push_back(Ours{.name = tensor.name,
                         .dtype = tensor.dtype,
                         .shape = tensor.shape,
                         .bytes = {tensor.bytes.begin(), tensor.bytes.end()}});
    }
  }
  return all;
}

// --- comparing ---------------------------------------------------------------------------------

/// How far a bf16 run may be from an f32 run.
///
/// A value rounded to bf16 (8 bits of significand) moves by at most u = 2^-8 of itself, and by
/// u / sqrt(3) = 2.3e-3 in the root mean square. A block rounds about eight times on the way round
/// its two branches (normed rows twice, q k v, attention's weights and output, the MLP's two
/// results, the packed weights), each time independently, and adds the outcome to the stream; so
/// the squares add up: relative RMS error = u / sqrt(3) * sqrt(8 * blocks). The stream that it is
/// added to also carries earlier errors through, which the tiny random models of the recorded runs
/// amplify more than trained ones; a factor of 3 covers that. Wrong engines show 0.02 to 1 where
/// this allows 0.02 (one block) to 0.1 (28 layers), so `f32` stays the precision that proves.
double fast_tolerance(std::int64_t blocks) {
  return 3.0 * 0x1p-8 / std::sqrt(3.0) * std::sqrt(8.0 * static_cast<double>(blocks));
}

/// How far an int8 run may be from a bf16 run.
///
/// A number rounded to a multiple of largest / 127 is off by at most half of that, and by a
/// sqrt(12)th in the root mean square; where the largest is four times the root mean square of its
/// row, as of thousands of normal numbers, 4 / 127 / sqrt(12) = 9.1e-3. Both sides of a block's
/// four products are rounded so. The rest as above.
double int8_tolerance(std::int64_t blocks) {
  return 3.0 * 4.0 / 127.0 / std::sqrt(12.0) * std::sqrt(8.0 * static_cast<double>(blocks));
}

class Judge {
 public:
  Judge(Precision precision, const Networks& networks) : precision_(precision) {
    // Features carry the errors of the layers before them; the velocity has both networks behind
    // it.
    const std::int64_t layers = networks.text_layers;
    embeds_tolerance_ = fast_tolerance(std::max<std::int64_t>(layers, 1));
    velocity_tolerance_ = fast_tolerance(layers + networks.transformer_layers);
    if (precision == Precision::int8) {
      velocity_tolerance_ += int8_tolerance(networks.transformer_layers);
    }
  }

  TensorCheck compare(const FileTensor& expected, const Ours* ours) const {
    TensorCheck check{.name = expected.name};
    check.judged = precision_ == Precision::f32 || judged_when_fast(expected.name);
    if (ours == nullptr || ours->shape != expected.shape || ours->dtype != expected.dtype) {
      check.max_error = check.relative_rms = std::numeric_limits<double>::infinity();
      check.passed = false;
      return check;
    }
    switch (expected.dtype) {
      case DType::f32:
        measure<float>(expected, *ours, check);
        break;
      case DType::u8:
        measure<std::uint8_t>(expected, *ours, check);
        check.relative_rms = 0;
        check.tolerance = kPixelTolerance;
        check.passed = check.max_error <= check.tolerance;
        return settled(check);
      default:
        measure<std::int64_t>(expected, *ours, check);
        check.relative_rms = 0;
        check.passed = check.max_error == 0;
        return settled(check);
    }
    if (expected.name == "sigmas") {
      check.tolerance = kSigmaTolerance;
      check.passed = check.max_error <= check.tolerance;
    } else {
      check.tolerance = float_tolerance(expected.name);
      check.passed = check.relative_rms <= check.tolerance;
    }
    return settled(check);
  }

 private:
  static bool is_embeds(std::string_view name) { return name.ends_with("prompt_embeds"); }
  static bool judged_when_fast(std::string_view name) {
    return is_embeds(name) || name == "velocity_0" || name == "sigmas" ||
           name.find("input_ids") != std::string_view::npos;
  }
  double float_tolerance(std::string_view name) const {
    if (precision_ == Precision::f32) return kExactTolerance;
    return is_embeds(name) ? embeds_tolerance_ : velocity_tolerance_;
  }
  static TensorCheck settled(TensorCheck check) {
    if (!check.judged) check.passed = true;
    return check;
  }

  template <class T>
  static void measure(const FileTensor& expected, const Ours& ours, TensorCheck& check) {
    const std::vector<T> theirs = values_of<T>(expected);
    double error_sum = 0;
    double sum = 0;
    bool finite = true;
    for (std::size_t i = 0; i < theirs.size(); ++i) {
      T own;
      std::memcpy(&own, ours.bytes.data() + i * sizeof(T), sizeof(T));
      const double error = static_cast<double>(own) - static_cast<double>(theirs[i]);
      finite = finite && std::isfinite(error);
      check.max_error = std::max(check.max_error, std::abs(error));
      error_sum += error * error;
      sum += static_cast<double>(theirs[i]) * static_cast<double>(theirs[i]);
    }
    check.relative_rms = error_sum == 0 ? 0 : std::sqrt(error_sum / sum);
    if (!finite) check.max_error = check.relative_rms = std::numeric_limits<double>::infinity();
  }

  Precision precision_;
  double embeds_tolerance_ = 0;
  double velocity_tolerance_ = 0;
};

/// Tensors in the order in which a run makes them.
int stage_order(std::string_view name) {
  constexpr std::string_view kOrder[] = {"input_ids",
                                         "negative_input_ids",
                                         "prompt_embeds",
                                         "pooled_prompt_embeds",
                                         "negative_prompt_embeds",
                                         "reference_latents",
                                         "sigmas",
                                         "velocity",
                                         "latents",
                                         "decoded",
                                         "image"};
  for (int i = 0; i < static_cast<int>(std::size(kOrder)); ++i) {
    if (name.starts_with(kOrder[i])) return i;
  }
  return static_cast<int>(std::size(kOrder));
}

CheckReport compare_all(const Recording& recording, const std::vector<Ours>& ours,
                        const Judge& judge) {
  CheckReport report;
  std::vector<const FileTensor*> expected;
  for (const FileTensor& tensor : recording.file.tensors()) {
    if (!is_input(tensor.name)) expected.push_back(&tensor);
  }
  std::sort(expected.begin(), expected.end(), [](const FileTensor* a, const FileTensor* b) {
    // Shorter names first, so that velocity_10 comes after velocity_9.
    return std::tuple(stage_order(a->name), a->name.size(), a->name) <
           std::tuple(stage_order(b->name), b->name.size(), b->name);
  });
  for (const FileTensor* tensor : expected) {
    const auto own = std::find_if(ours.begin(), ours.end(),
                                  [&](const Ours& o) { return o.name == tensor->name; });
    report.tensors.push_back(judge.compare(*tensor, own == ours.end() ? nullptr : &*own));
    report.passed = report.passed && report.tensors.back().passed;
  }
  return report;
}

Result<> write_result(const std::filesystem::path& path, const Recording& recording,
                      const std::vector<Ours>& ours) {
  std::vector<TensorToWrite> tensors;
  for (const Ours& o : ours) {
    tensors.push_back({.name = o.name, .dtype = o.dtype, .shape = o.shape, .bytes = o.bytes});
  }
  return write_safetensors(path, tensors, recording.file.metadata());
}

Result<CheckReport> check(const CheckRequest& request) {
  const Recording recording = TRY(open_recording(request.golden));
  ModelPlan model = TRY(open_model(request.model, request.choices));
  if (!recording.taps.empty()) {
    model.text.taps = recording.taps;
    model.text.taps_stated = true;
  }
  if (recording.max_tokens > 0) model.text.max_tokens = recording.max_tokens;
  if (const Result<> fits = model.family->check(model); !fits) {
    return fail(fits.error().code, fmt::format("golden file: {}", fits.error().message));
  }
  const std::unique_ptr<Pipeline> pipeline =
      TRY(Pipeline::load(std::move(model), request.precision, LongPrompt::cut,
                         {.threads = request.threads, .implementations = request.implementations}));
  const Run run = TRY(run_recording(recording, *pipeline));
  TRY(recording.file.intact());
  const std::vector<Ours> ours = collect(run, recording, *pipeline);
  if (!request.result.empty()) TRY(write_result(request.result, recording, ours));
  return compare_all(recording, ours, Judge(request.precision, pipeline->networks()));
}

}  // namespace

Result<CheckReport> check_model(const CheckRequest& request) {
  return without_bad_alloc([&] { return check(request); });
}

}  // namespace imagined::engine

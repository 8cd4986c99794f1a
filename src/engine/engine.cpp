#include "engine/engine.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

#include "engine/backend/cpu/peak.h"
#include "engine/families/families.h"
#include "engine/pipeline/pipeline.h"

namespace imagined::engine {
namespace {

/// Runs `work`; memory that the system refuses is the world's failure, not ours.
template <class Work>
auto without_bad_alloc(const Work& work) -> decltype(work()) {
  try {
    return work();
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::resource_exhausted, "not enough memory for this model or picture");
  }
}

ModelSummary summarise(const Pipeline& pipeline) {
  const ModelPlan& model = pipeline.model();
  ModelSummary summary{.name = model.name,
                       .family = std::string(model.family->name),
                       .parameters = pipeline.networks().parameters,
                       .weight_bytes = pipeline.networks().held_bytes,
                       .pixels_per_token = static_cast<int>(model.vae.pixels_per_token()),
                       .native_pixels = model.sampling.native_pixels,
                       .max_prompt_tokens = static_cast<int>(model.text.max_tokens),
                       .default_steps = static_cast<int>(model.sampling.steps),
                       .default_guidance = static_cast<float>(model.sampling.guidance),
                       .distilled = model.distilled.value,
                       .distilled_by = model.distilled.by,
                       .cached_references = model.cached_references.value,
                       .cached_references_by = model.cached_references.by,
                       .notes = model.notes,
                       .card = model.card.text,
                       .draws = model.card.draws};
  for (const ModelPart& part : model.parts)
    summary.files.push_back({.part = part.name, .path = part.path, .why = part.why});
  return summary;
}

class CpuEngine final : public Engine {
 public:
  explicit CpuEngine(std::unique_ptr<Pipeline> pipeline)
      : pipeline_(std::move(pipeline)), summary_(summarise(*pipeline_)) {}

  const ModelSummary& summary() const override { return summary_; }

  RequestReading read(const GenerateRequest& request) const override {
    return pipeline_->read(request);
  }

  Result<> intact() const override { return pipeline_->networks().prompts->intact(); }

  Result<image::Picture> generate(const GenerateRequest& request,
                                  const std::function<void(Progress)>& on_progress,
                                  std::stop_token stop) override {
    return without_bad_alloc([&] {
      return pipeline_->generate(request, {.on_progress = on_progress, .stop = std::move(stop)});
    });
  }

  Result<BenchReport> bench(const BenchRequest& request) override {
    return without_bad_alloc([&] { return run_bench(request); });
  }

 private:
  Result<BenchReport> run_bench(const BenchRequest& request) {
    CHECK(request.seconds_now && request.repeats > 0, "a benchmark needs a clock and a picture");
    BenchReport report;
    report.seconds = std::numeric_limits<double>::infinity();
    for (int i = 0; i < request.repeats; ++i) {
      pipeline_->forget();
      StageLog log(request.seconds_now);
      const double start = request.seconds_now();
      TRY(pipeline_->generate(request.generate, {.log = &log}));
      report.seconds = std::min(report.seconds, request.seconds_now() - start);
      keep_fastest(log, report.stages);
    }
    return report;
  }

  static void keep_fastest(const StageLog& log, std::vector<StageReport>& stages) {
    for (std::size_t i = 0; i < kStageNames.size(); ++i) {
      const StageLog::Entry& entry = log.entry(static_cast<Stage>(i));
      if (entry.count == 0) continue;
      const double seconds = entry.seconds / entry.count;
      const auto known = std::find_if(stages.begin(), stages.end(), [&](const StageReport& stage) {
        return stage.stage == kStageNames[i];
      });
      if (known != stages.end()) {
        known->seconds = std::min(known->seconds, seconds);
      } else {
        stages.push_back({.stage = std::string(kStageNames[i]),
                          .count = entry.count,
                          .seconds = seconds,
                          .gflop = entry.flop / entry.count * 1e-9});
      }
    }
  }

  std::unique_ptr<Pipeline> pipeline_;
  ModelSummary summary_;
};

}  // namespace

Result<std::unique_ptr<Engine>> Engine::load(const LoadOptions& options) {
  if (options.device != "cpu") {
    return fail(ErrorCode::unimplemented,
                fmt::format("device \"{}\": this build knows only \"cpu\"", options.device));
  }
  if (!CpuFeatures::detect().avx2) {
    return fail(ErrorCode::unimplemented, "this processor has no AVX2, which the engine needs");
  }
  return without_bad_alloc([&]() -> Result<std::unique_ptr<Engine>> {
    ModelPlan model = TRY(open_model(options.path, options.choices));
    std::unique_ptr<Pipeline> pipeline = TRY(
        Pipeline::load(std::move(model), options.precision, options.long_prompt,
                       {.threads = options.threads, .implementations = options.implementations}));
    return std::make_unique<CpuEngine>(std::move(pipeline));
  });
}

Result<std::vector<std::int32_t>> tokenize_prompt(const std::filesystem::path& path,
                                                  std::string_view prompt,
                                                  const ModelChoices& choices) {
  return prompt_tokens(path, choices, prompt);
}

std::string model_card(const std::filesystem::path& path) { return card_text(path); }

MachinePeak measure_machine_peak(int threads, double (*seconds_now)()) {
  const Context context({.threads = threads});
  const PeakRates rates = measure_peaks(context, seconds_now);
  return {.processor = context.cpu().brand,
          .threads = context.pool().threads(),
          .f32_gflops = rates.f32,
          .bf16_gflops = rates.bf16,
          .int8_gops = rates.int8};
}

}  // namespace imagined::engine

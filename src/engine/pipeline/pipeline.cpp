#include "engine/pipeline/pipeline.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/ops/convert/convert.h"
#include "engine/pipeline/picture_size.h"
#include "engine/pipeline/repaint_mask.h"
#include "engine/sampling/dmd.h"
#include "engine/sampling/euler.h"
#include "engine/sampling/inpaint.h"
#include "engine/sampling/noise.h"
#include "engine/sampling/schedule.h"
#include "engine/sampling/unipc.h"

namespace imagined::engine {
namespace {

// Klein's features of one prompt are 16 MB; a batch needs the prompt and the empty one.
constexpr std::size_t kCachedPrompts = 4;
constexpr std::int64_t kKeptWorkspaceBytes = 64 << 20;
constexpr std::size_t kCachedReferences = 9;  // all of one run, and a picture that is kept

Tensor copy(const Context& context, ConstMatrixView from) {
  Tensor to(from.rows, from.cols);
  convert(context, from, to);
  return to;
}

Result<> check_finite(const Context& context, ConstMatrixView values, std::string_view what) {
  if (all_finite(context, values)) return {};
  return fail(
      ErrorCode::data_loss,
      fmt::format("{}: the numbers are no longer finite; the weights may be damaged", what));
}

/// How many of the first steps a run leaves out that begins with a picture: so much of it shows
/// through the noise. Source: flux.md 6.3, at the strength that its pipeline has by default.
int steps_skipped(int steps) {
  constexpr double kStrength = 0.8;
  return static_cast<int>(steps - steps * kStrength);
}

ScheduleOptions schedule_options(const ModelPlan& model) {
  const SchedulerConfig& scheduler = model.scheduler;
  std::optional<ShiftLine> line;
  if (scheduler.shift_on_line) {
    line = ShiftLine{.base_shift = scheduler.base_shift,
                     .max_shift = scheduler.max_shift,
                     .base_tokens = scheduler.base_tokens,
                     .max_tokens = scheduler.max_tokens};
  }
  return {.dynamic_shifting = scheduler.dynamic_shifting,
          .line = line,
          .shift = model.sampling.shift.value_or(scheduler.shift),
          .curve = scheduler.time_shift == TimeShift::linear ? ShiftCurve::linear
                                                             : ShiftCurve::exponential,
          .terminal = scheduler.shift_terminal};
}

/// Whether one of `previews`, spread evenly, stands after a step; the last step brings the picture.
bool is_previewed(int step_done, int steps, int previews) {
  if (step_done == steps) return false;
  const auto begun = [&](int step) { return step * (previews + 1) / steps; };
  return begun(step_done) > begun(step_done - 1);
}

}  // namespace

NumberFormat number_format(Precision precision, const CpuFeatures& cpu) {
  switch (precision) {
    case Precision::f32:
      return NumberFormat::exact();
    case Precision::bf16:
      return NumberFormat::fast(cpu);
    case Precision::int8:
      return NumberFormat::faster(cpu);
  }
  CHECK(false, "no precision {}", static_cast<int>(precision));
}

Pipeline::Pipeline(ModelPlan model, const ContextOptions& options)
    : model_(std::move(model)),
      context_(options),
      prompts_(kCachedPrompts),
      references_(kCachedReferences) {}

Result<ModelPlan> Pipeline::plan(const LoadOptions& options) {
  if (options.device != "cpu") {
    return fail(ErrorCode::unimplemented,
                fmt::format("device \"{}\": this build knows only \"cpu\"", options.device));
  }
  if (!CpuFeatures::detect().avx2) {
    return fail(ErrorCode::unimplemented, "this processor has no AVX2, which the engine needs");
  }
  return open_model(options.path, options.choices);
}

Result<std::unique_ptr<Pipeline>> Pipeline::open(const LoadOptions& options) {
  return load(TRY(plan(options)), options.precision, options.long_prompt,
              {.threads = options.threads, .implementations = options.implementations},
              options.memory);
}

Result<std::unique_ptr<Pipeline>> Pipeline::load(ModelPlan model, Precision precision,
                                                 LongPrompt long_prompt,
                                                 const ContextOptions& options,
                                                 std::function<MachineMemory()> memory) {
  std::unique_ptr<Pipeline> pipeline(new Pipeline(std::move(model), options));
  pipeline->long_prompt_ = long_prompt;
  pipeline->precision_ = precision;
  pipeline->memory_ = std::move(memory);
  const Context& context = pipeline->context_;
  pipeline->networks_ =
      TRY(load_networks(context, pipeline->model_, number_format(precision, context.cpu())));
  pipeline->model_.release_weights();
  return pipeline;
}

ModelSummary Pipeline::summary() const {
  const ModelPlan& model = model_;
  ModelSummary summary{
      .name = model.name,
      .family = std::string(model.family->name),
      .precision = precision_,
      .parameters = networks_.parameters,
      .weight_bytes = networks_.held_bytes,
      .mapped_bytes = networks_.mapped_bytes,
      .pixels_per_token = static_cast<int>(model.pixels_per_token),
      .native_pixels = model.sampling.native_pixels,
      .max_prompt_tokens = static_cast<int>(model.text.max_tokens),
      .default_steps = static_cast<int>(model.sampling.steps),
      .default_guidance = static_cast<float>(model.sampling.guidance),
      .guidance = model.guidance,
      .max_references = static_cast<int>(model.max_references),
      .inpaints = model.inpaints,
      .clip_frames_per_second = static_cast<int>(model.sampling.clips.frames_per_second),
      .distilled = model.distilled.value,
      .distilled_by = model.distilled.by,
      .cached_references = model.cached_references.value,
      .cached_references_by = model.cached_references.by,
      .notes = model.notes,
      .card = model.card.text,
      .draws = model.card.draws};
  summary.notes.insert(summary.notes.end(), networks_.notes.begin(), networks_.notes.end());
  for (const ModelPart& part : model.parts)
    summary.files.push_back({.part = part.name, .path = part.path, .why = part.why});
  return summary;
}

bool Pipeline::uses_true_guidance(float guidance) const {
  return guidance > 1 && model_.guidance == GuidanceUse::two_passes;
}

void Pipeline::forget() {
  prompts_.clear();
  references_.clear();
}

Result<std::shared_ptr<const TextFeatures>> Pipeline::text_features(const PromptIds& prompt,
                                                                    const RunObserver& observer) {
  if (auto known = prompts_.find(prompt)) return known;
  const PromptEncoder& encoder = *networks_.prompts;
  // Coming back costs a tenth of a second a gigabyte.
  if (!fits_together()) release(networks_.others());
  TextFeatures features = TRY(measured(observer.log, Stage::text_encode, encoder.flop(prompt), [&] {
    return encoder.encode(context_, prompt, observer.stop);
  }));
  release(networks_.encoders());
  TRY(networks_.sound());
  TRY(check_finite(context_, features.tokens, "text encoder"));
  if (!features.pooled.empty()) TRY(check_finite(context_, features.pooled, "text encoder"));
  return prompts_.add(prompt, std::move(features));
}

Result<std::vector<ReferenceTokens>> Pipeline::encode_references(
    const std::vector<image::Picture>& pictures, const RunObserver& observer) {
  const std::int64_t side = model_.pixels_per_token;
  std::vector<ReferenceTokens> references;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const image::Picture& picture = pictures[i];
    const std::int64_t rows = picture.height / side;
    const std::int64_t cols = picture.width / side;
    PictureKey key{.width = picture.width, .height = picture.height, .pixels = picture.pixels};
    std::shared_ptr<const Tensor> latents = references_.find(key);
    if (latents == nullptr) {
      Tensor fresh = TRY(measured(
          observer.log, Stage::reference_encode, networks_.vae->encode_flop(rows, cols), [&] {
            Tensor signal(static_cast<std::int64_t>(picture.width) * picture.height, 3);
            pixels_to_signal(context_, picture.pixels.data(), signal);
            return networks_.vae->encode(context_, signal, picture.height, picture.width, pool_,
                                         observer.stop);
          }));
      TRY(check_finite(context_, fresh, fmt::format("latents of reference {}", i)));
      latents = references_.add(std::move(key), std::move(fresh));
    }
    references.push_back({.latents = latents->view(), .rows = rows, .cols = cols});
  }
  return references;
}

/// What the steps of one run read and write.
struct Pipeline::Steps {
  std::vector<float> sigmas;    // one more than there are steps
  std::vector<float> times;     // that the network is told: the same, or close to them
  std::optional<UniPc> solver;  // Euler's step without
  ConstMatrixView kept;         // latents of the picture of which a part stays
  std::unique_ptr<Denoiser> with_prompt;
  std::unique_ptr<Denoiser> without_prompt;  // with true guidance only
  Tensor velocity;
  Tensor velocity_without;
};

Result<> Pipeline::denoise(Steps& steps, Tensor& latents, const RunInputs& inputs,
                           const RunObserver& observer, const TakePreview& on_preview) {
  const auto flop = [&](int step) {
    return steps.with_prompt->flop(step) +
           (steps.without_prompt ? steps.without_prompt->flop(step) : 0.0);
  };
  const int count = static_cast<int>(steps.sigmas.size()) - 1;
  // clean  becomes what the velocity points to, where somebody wants to see it.
  const auto one_step = [&](int step, Tensor* clean) -> Result<> {
    TRY(steps.with_prompt->velocity(context_, step, latents, workspace_, steps.velocity,
                                    observer.stop));
    if (steps.without_prompt) {
      TRY(steps.without_prompt->velocity(context_, step, latents, workspace_,
                                         steps.velocity_without, observer.stop));
      guide(context_, steps.velocity, inputs.guidance, steps.velocity_without);
      std::swap(steps.velocity, steps.velocity_without);
    }
    TRY(networks_.sound());
    TRY(check_finite(context_, steps.velocity, fmt::format("velocity of step {}", step)));
    const auto i = static_cast<std::size_t>(step);
    if (clean != nullptr) {
      *clean = copy(context_, latents);
      euler_step(context_, steps.velocity, steps.sigmas[i], 0, *clean);
    }
    if (steps.solver) {
      steps.solver->step(context_, steps.velocity, latents);
    } else if (model_.scheduler.solver == Solver::dmd) {
      const bool last = step + 1 == count;
      dmd_step(context_, steps.velocity, steps.sigmas[i], steps.sigmas[i + 1],
               last ? Tensor() : inputs.fresh_noise(step + 1), latents);
    } else {
      euler_step(context_, steps.velocity, steps.sigmas[i], steps.sigmas[i + 1], latents);
    }
    if (inputs.kept)
      keep_picture(context_, inputs.noise, steps.kept, steps.sigmas[i + 1], inputs.kept->repaint,
                   latents);
    return {};
  };
  for (int step = 0; step < count; ++step) {
    if (observer.stop.stop_requested()) return fail(ErrorCode::cancelled, "cancelled");
    const Observer& watch = observer.watch;
    const bool shown = on_preview && is_previewed(step + 1, count, watch.previews);
    Tensor clean;
    TRY(measured(observer.log, Stage::step, flop(step),
                 [&] { return one_step(step, shown ? &clean : nullptr); }));
    if (observer.trace != nullptr) {
      observer.trace->velocities.push_back(copy(context_, steps.velocity));
    }
    if (watch.on_progress) watch.on_progress({.step = step + 1, .steps = count});
    if (shown) {
      if (inputs.kept)
        keep_picture(context_, inputs.noise, steps.kept, 0, inputs.kept->repaint, clean);
      on_preview(TRY(decode(clean, inputs, observer)));
    }
  }
  return {};
}

Result<Tensor> Pipeline::decode(ConstMatrixView latents, const RunInputs& inputs,
                                const RunObserver& observer) {
  const Autoencoder& vae = *networks_.vae;
  Tensor decoded =
      TRY(measured(observer.log, Stage::decode, vae.decode_flop(inputs.rows, inputs.cols), [&] {
        return vae.decode(context_, latents, inputs.rows, inputs.cols, pool_, observer.stop);
      }));
  TRY(check_finite(context_, decoded, "decoded picture"));
  return decoded;
}

Result<Tensor> Pipeline::run(const RunInputs& inputs, const RunObserver& observer) {
  const Tensor latents = TRY(sample(inputs, observer, {}));
  const std::int64_t tokens = inputs.rows * inputs.cols;
  if (inputs.clip_frames == 0 || networks_.vae->frames_per_latent() == 1)
    return decode(latents.view().row_range(latents.rows() - tokens, tokens), inputs, observer);
  Tensor last;
  TRY(decode_clip(latents, inputs, observer, [&](ConstMatrixView frame) -> Result<bool> {
    last = copy(context_, frame);
    return true;
  }));
  return last;
}

Result<> Pipeline::decode_clip(const Tensor& latents, const RunInputs& inputs,
                               const RunObserver& observer,
                               const std::function<Result<bool>(ConstMatrixView frame)>& take) {
  const Autoencoder& vae = *networks_.vae;
  const std::int64_t tokens = inputs.rows * inputs.cols;
  const std::int64_t side = vae.pixels_per_token();
  const auto decoder = vae.begin_clip(context_, inputs.rows, inputs.cols, pool_);
  const auto next = [&](ConstMatrixView frame, double flop) -> Result<Tensor> {
    Tensor decoded = TRY(measured(observer.log, Stage::decode, flop,
                                  [&] { return decoder->next(frame, observer.stop); }));
    TRY(check_finite(context_, decoded, "decoded picture"));
    return decoded;
  };
  bool first = true;
  if (vae.frames_per_latent() > 1 && !inputs.references.empty()) {
    // The first frame is there already; the later ones read what its layers see.
    const std::vector<ReferenceTokens> given = TRY(encode_references(inputs.references, observer));
    TRY(next(given.front().latents, vae.decode_flop(inputs.rows, inputs.cols)));
    first = false;
  }
  for (std::int64_t row = 0; row < latents.rows(); row += tokens) {
    const Tensor frames = TRY(next(latents.view().row_range(row, tokens),
                                   first ? vae.decode_flop(inputs.rows, inputs.cols)
                                         : vae.clip_flop(inputs.rows, inputs.cols)));
    first = false;
    const std::int64_t pixels = tokens * side * side;
    for (std::int64_t at = 0; at < frames.rows(); at += pixels)
      if (!TRY(take(frames.view().row_range(at, pixels)))) return {};
  }
  return {};
}

Result<> Pipeline::plan_steps(const RunInputs& inputs, Steps& steps) const {
  const auto& distilled = model_.distilled_times;
  const SchedulerConfig& scheduler = model_.scheduler;
  const double shift = model_.sampling.shift.value_or(scheduler.shift);
  if (!distilled.empty() && std::ssize(distilled) == inputs.steps) {
    steps.times = distilled;
    steps.sigmas = dmd_levels(distilled, shift, scheduler.train_timesteps);
  } else if (scheduler.solver == Solver::unipc) {
    UniPcSchedule schedule =
        TRY(make_unipc_schedule(shift, scheduler.train_timesteps, inputs.steps));
    steps.sigmas = std::move(schedule.levels);
    steps.times = std::move(schedule.times);
    steps.solver.emplace(steps.sigmas);
  } else {
    steps.sigmas = TRY(make_schedule(schedule_options(model_), inputs.noise.rows(), inputs.steps));
  }
  return {};
}

Result<Tensor> Pipeline::sample(const RunInputs& inputs, const RunObserver& observer,
                                const TakePreview& on_preview) {
  const bool two_passes = uses_true_guidance(inputs.guidance);
  const auto features = TRY(text_features(inputs.prompt, observer));
  std::shared_ptr<const TextFeatures> negative;
  if (two_passes) negative = TRY(text_features(inputs.negative, observer));
  const std::vector<ReferenceTokens> references =
      TRY(encode_references(inputs.references, observer));

  Steps steps;
  TRY(plan_steps(inputs, steps));
  std::vector<ReferenceTokens> kept;
  if (inputs.kept) {
    kept = TRY(encode_references({inputs.kept->picture}, observer));
    steps.kept = kept.front().latents;
    steps.sigmas.erase(steps.sigmas.begin(), steps.sigmas.begin() + steps_skipped(inputs.steps));
  }
  if (steps.times.empty()) steps.times.assign(steps.sigmas.begin(), steps.sigmas.end() - 1);
  measured(observer.log, Stage::prepare, 0, [&] {
    const auto begin = [&](const TextFeatures& text) {
      return networks_.transformer->begin(
          context_,
          {.text = text,
           .rows = inputs.rows,
           .cols = inputs.cols,
           .clip_frames = inputs.clip_frames,
           .clip_first = inputs.clip_first,
           .clip_stride = inputs.clip_stride,
           .references = references,
           .sigmas = steps.times,
           .guidance = model_.guidance == GuidanceUse::embedded ? std::optional(inputs.guidance)
                                                                : std::nullopt});
    };
    steps.with_prompt = begin(*features);
    if (two_passes) steps.without_prompt = begin(*negative);
    return true;
  });
  Tensor latents = copy(context_, inputs.noise);
  if (inputs.kept) {
    const std::vector<float> nothing(static_cast<std::size_t>(latents.rows()), 0.0f);
    keep_picture(context_, inputs.noise, steps.kept, steps.sigmas.front(), nothing, latents);
  }
  steps.velocity = Tensor(latents.rows(), latents.cols());
  if (two_passes) steps.velocity_without = Tensor(latents.rows(), latents.cols());
  if (observer.trace != nullptr) {
    RunTrace& trace = *observer.trace;
    trace.sigmas = steps.sigmas;
    trace.prompt_embeds = copy(context_, features->tokens);
    const std::span<const float> pooled = features->pooled.values();
    trace.pooled_prompt_embeds.assign(pooled.begin(), pooled.end());
    if (negative != nullptr) trace.negative_prompt_embeds = copy(context_, negative->tokens);
    for (const ReferenceTokens& reference : references) {
      trace.reference_latents.push_back(copy(context_, reference.latents));
    }
  }
  TRY(denoise(steps, latents, inputs, observer, on_preview));
  if (observer.trace != nullptr) observer.trace->latents = copy(context_, latents);

  // A decode needs most memory of all; a small workspace stays for the next picture.
  if (workspace_.held_bytes() > kKeptWorkspaceBytes) workspace_ = {};
  return latents;
}

void Pipeline::draw_noise(RunInputs& inputs, std::uint64_t seed) const {
  const std::int64_t rows = inputs.rows * std::max<std::int64_t>(inputs.clip_frames, 1);
  inputs.fresh_noise = [seed, rows, cols = inputs.cols, fold = model_.noise_fold,
                        channels = networks_.transformer->channels()](int draw) {
    return make_noise(seed, channels, rows, cols, fold, static_cast<std::uint64_t>(draw));
  };
  inputs.noise = inputs.fresh_noise(0);
}

Tensor Pipeline::noise_from_planes(std::span<const float> planes, std::int64_t rows,
                                   std::int64_t cols) const {
  return tokens_of_planes(planes, networks_.transformer->channels(), rows, cols, model_.noise_fold);
}

Result<> Pipeline::generate_batch(const GenerateRequest& request, const Batch& batch,
                                  RunObserver observer) {
  const PicturePlan plan = TRY(plan_picture(request.width, request.height, size_rule()));
  RunInputs inputs = TRY(prepare(request, plan));
  TRY(check_memory(plan, inputs));
  const auto finished = [&](const Tensor& decoded) {
    image::Picture picture = finish(to_pixels(decoded), plan);
    if (inputs.kept)
      put_back(inputs.kept->given.view(), inputs.kept->repaint, plan, model_.pixels_per_token,
               picture);
    return picture;
  };
  for (int i = 0; i < std::ssize(batch.seeds); ++i) {
    draw_noise(inputs, batch.seeds[static_cast<std::size_t>(i)]);
    if (batch.watch) observer.watch = batch.watch(i);
    TakePreview on_preview;
    if (observer.watch.on_preview && observer.watch.previews > 0)
      on_preview = [&](const Tensor& decoded) { observer.watch.on_preview(finished(decoded)); };
    const Tensor latents = TRY(sample(inputs, observer, on_preview));
    const Tensor decoded = TRY(decode(latents, inputs, observer));
    TRY(batch.take(i, measured(observer.log, Stage::finish, 0, [&] { return finished(decoded); })));
  }
  return {};
}

}  // namespace imagined::engine

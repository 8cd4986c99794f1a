#include "engine/pipeline/pipeline.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/words.h"
#include "engine/formats/in_quotes.h"
#include "engine/ops/convert/convert.h"
#include "engine/ops/resize/resize.h"
#include "engine/pipeline/fit_reference.h"
#include "engine/pipeline/on_grid.h"
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

constexpr int kMaxSteps = 500;
constexpr float kMaxGuidance = 100;
constexpr std::int64_t kReferencePixels = 1024 * 1024;  // flux.md 6.1: diffusers' cap, always
// Klein's features of one prompt are 16 MB; a batch needs the prompt and the empty one.
constexpr std::size_t kCachedPrompts = 4;
constexpr std::int64_t kKeptWorkspaceBytes = 64 << 20;
// The program itself, features of other prompts, tokenizers.
constexpr std::int64_t kOtherBytes = 96 << 20;
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

Result<> check_pixels(const image::Picture& picture, std::string_view what, std::string field) {
  const auto expected = static_cast<std::size_t>(picture.width) *
                        static_cast<std::size_t>(picture.height) *
                        static_cast<std::size_t>(picture.channels);
  if ((picture.channels == 3 || picture.channels == 4) && picture.pixels.size() == expected &&
      expected > 0)
    return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("{} of {}x{} pixels with {} channels: {} bytes", what, picture.width,
                          picture.height, picture.channels, picture.pixels.size()),
              std::move(field));
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

/// What a model of few words says about a prompt beyond them, or without any.
std::string unknown_words_text(std::span<const std::string> unknown,
                               std::span<const std::string> draws) {
  constexpr std::size_t kShown = 8;
  std::string words;
  for (std::size_t i = 0; i < std::min(unknown.size(), kShown); ++i) {
    words += (i == 0 ? "" : ", ") + in_quotes(unknown[i]);  // cut: it may be the whole prompt
  }
  if (unknown.size() > kShown) words += fmt::format(" and {} more", unknown.size() - kShown);
  std::string text = unknown.empty() ? "the prompt has no word, and this model reads nothing else"
                                     : fmt::format("this model knows no {}", words);
  if (draws.empty()) return text;
  constexpr std::size_t kDrawsShown = 8;
  std::vector<std::string_view> some;  // of a long list from all of it
  for (std::size_t i = 0; i < std::min(draws.size(), kDrawsShown); ++i)
    some.push_back(draws[i * draws.size() / std::min(draws.size(), kDrawsShown)]);
  text += fmt::format("; it draws {}", join_words(some, ", "));
  if (draws.size() > some.size()) text += fmt::format(" and {} more", draws.size() - some.size());
  return text;
}

/// Bytes of weights.
std::int64_t read_in_place(std::span<const MappedNetwork> networks) {
  std::int64_t bytes = 0;
  for (const MappedNetwork& network : networks) bytes += network.bytes;
  return bytes;
}

/// Whether one of `previews`, spread evenly, stands after a step; the last step brings the picture.
bool is_previewed(int step_done, int steps, int previews) {
  if (step_done == steps) return false;
  const auto begun = [&](int step) { return step * (previews + 1) / steps; };
  return begun(step_done) > begun(step_done - 1);
}

/// The middle of a picture of RGB bytes.
image::Picture crop_centre(const std::vector<std::uint8_t>& pixels, int made_width, int made_height,
                           int width, int height) {
  image::Picture out{.width = width, .height = height, .channels = 3};
  const std::size_t row_bytes = static_cast<std::size_t>(width) * 3;
  out.pixels.resize(row_bytes * static_cast<std::size_t>(height));
  const int left = (made_width - width) / 2;
  const int top = (made_height - height) / 2;
  for (int y = 0; y < height; ++y) {
    const std::size_t from =
        (static_cast<std::size_t>(top + y) * static_cast<std::size_t>(made_width) +
         static_cast<std::size_t>(left)) *
        3;
    std::copy_n(pixels.data() + from, row_bytes,
                out.pixels.data() + static_cast<std::size_t>(y) * row_bytes);
  }
  return out;
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

Result<image::Picture> Pipeline::fit_reference_picture(const image::Picture& picture) const {
  TRY(check_reference_size(picture.width, picture.height));
  TRY(check_pixels(picture, "reference", "image"));
  const auto side = static_cast<int>(model_.pixels_per_token);
  if (lays_references_on_grid()) {
    const PicturePlan plan = TRY(plan_reference(picture.width, picture.height, size_rule()));
    return lay_on_grid(context_, picture.view(), plan, side);
  }
  const ReferenceFit fit =
      model_.reference_sizes.empty()
          ? TRY(fit_reference(picture.width, picture.height, kReferencePixels, side))
          : fit_to_sizes(picture.width, picture.height, model_.reference_sizes, side);
  return image::Picture{.width = fit.width,
                        .height = fit.height,
                        .channels = 3,
                        .pixels = apply_fit(context_, picture.view(), fit)};
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

std::vector<std::uint8_t> Pipeline::to_pixels(ConstMatrixView decoded) const {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(decoded.rows) * 3);
  signal_to_pixels(context_, decoded, pixels.data());
  return pixels;
}

Result<std::optional<KeptPicture>> Pipeline::prepare_kept(const GenerateRequest& request,
                                                          const PicturePlan& plan) const {
  if (!request.mask) return std::optional<KeptPicture>();
  if (!model_.inpaints) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("mask: model \"{}\" cannot keep a part of a picture as it is", model_.name),
        "mask");
  }
  if (request.references.empty()) {
    return fail(ErrorCode::invalid_argument, "mask: there is no reference picture that it is of",
                "mask");
  }
  TRY(check_pixels(*request.mask, "mask", "mask"));
  const std::int64_t side = model_.pixels_per_token;
  const auto resized = [&](int width, int height) {
    const ReferenceFit whole{
        .resized_width = width, .resized_height = height, .width = width, .height = height};
    return image::Picture{.width = width,
                          .height = height,
                          .pixels = apply_fit(context_, request.references[0].view(), whole)};
  };
  const image::Picture shown = resized(plan.crop_width, plan.crop_height);
  return std::optional(
      KeptPicture{.picture = carry_to_border(shown.view(), plan, side),
                  .given = resized(plan.width, plan.height),
                  .repaint = repaint_mask(context_, request.mask->view(), plan, side)});
}

Result<RunInputs> Pipeline::prepare(const GenerateRequest& request, const PicturePlan& plan) const {
  RunInputs inputs;
  inputs.rows = plan.token_rows;
  inputs.cols = plan.token_cols;
  inputs.steps = request.steps == 0 ? static_cast<int>(model_.sampling.steps) : request.steps;
  if (inputs.steps < 1 || inputs.steps > kMaxSteps) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} steps: must be 1 to {}", inputs.steps, kMaxSteps), "steps");
  }
  inputs.guidance = request.guidance.value_or(static_cast<float>(model_.sampling.guidance));
  if (!(inputs.guidance >= 0 && inputs.guidance <= kMaxGuidance)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("guidance {}: must be 0 to {}", inputs.guidance, kMaxGuidance),
                "guidance");
  }
  if (static_cast<std::int64_t>(request.references.size()) > model_.max_references) {
    return fail(ErrorCode::invalid_argument,
                model_.max_references == 0
                    ? fmt::format("image: model \"{}\" takes no reference pictures", model_.name)
                    : fmt::format("image: model \"{}\" takes 1 to {} reference pictures, got {}",
                                  model_.name, model_.max_references, request.references.size()),
                "image");
  }
  TRY(check_length(request.prompt, "prompt"));
  TRY(check_length(request.negative_prompt, "negative_prompt"));
  inputs.prompt = networks_.prompts->ids(request.prompt);
  const bool two_passes = uses_true_guidance(inputs.guidance);
  if (two_passes) inputs.negative = networks_.prompts->ids(request.negative_prompt);
  if (!two_passes && !request.negative_prompt.empty()) {
    return fail(
        ErrorCode::invalid_argument,
        model_.guidance == GuidanceUse::two_passes
            ? fmt::format("negative_prompt: has no effect at guidance {}; ask for a guidance "
                          "above 1",
                          inputs.guidance)
            : fmt::format("negative_prompt: model \"{}\" has no true guidance, so it would "
                          "have no effect",
                          model_.name),
        "negative_prompt");
  }
  for (const image::Picture& picture : request.references) {
    auto fitted = fit_reference_picture(picture);
    if (!fitted)
      return fail(fitted.error().code,
                  fmt::format("image {}: {}", inputs.references.size() + 1, fitted.error().message),
                  "image");
    inputs.references.push_back(std::move(*fitted));
  }
  inputs.kept = TRY(prepare_kept(request, plan));
  // The picture is its own first reference, as large as it is made.
  if (inputs.kept)
    inputs.references.front() = lays_references_on_grid()
                                    ? inputs.kept->picture
                                    : TRY(fit_reference_picture(inputs.kept->picture));
  return inputs;
}

Result<> Pipeline::check_length(const std::string& text, std::string_view field) const {
  if (long_prompt_ != LongPrompt::refuse || text.empty()) return {};
  const PromptReading reading = networks_.prompts->reading(text).front();
  if (reading.read == reading.tokens) return {};
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("the {} has {} tokens: at most {} are read",
                  field == "prompt" ? "prompt" : "negative prompt", reading.tokens, reading.read),
      std::string(field));
}

RequestReading Pipeline::read(const GenerateRequest& request) const {
  const std::vector<PromptReading> readings = networks_.prompts->reading(request.prompt);
  RequestReading result{.prompt_tokens = readings.front().tokens,
                        .tokens_read = readings.front().read};
  const auto warn_of_cut = [&result](const PromptReading& reading, std::string_view what) {
    if (reading.read == reading.tokens) return;
    result.warnings.push_back(fmt::format("{} reads the first {} of the {}'s {} tokens",
                                          reading.encoder, reading.read, what, reading.tokens));
  };
  for (const PromptReading& reading : readings) warn_of_cut(reading, "prompt");
  if (!request.negative_prompt.empty())
    for (const PromptReading& reading : networks_.prompts->reading(request.negative_prompt))
      warn_of_cut(reading, "negative prompt");
  if (model_.guidance == GuidanceUse::none && request.guidance.value_or(1) != 1) {
    result.warnings.push_back(fmt::format(
        "guidance {} has no effect: this model was distilled and knows none", *request.guidance));
  }
  const std::vector<std::string> unknown = model_.card.unknown_words(request.prompt);
  if (!unknown.empty() || model_.card.has_no_word(request.prompt))
    result.warnings.push_back(unknown_words_text(unknown, model_.card.draws));
  if (keeps_all(request))
    result.warnings.emplace_back(
        "the mask has nothing that is to be made anew, so the picture stays as it is");
  return result;
}

bool Pipeline::keeps_all(const GenerateRequest& request) const {
  if (!request.mask || !check_pixels(*request.mask, "mask", "mask")) return false;
  const auto plan = plan_picture(request.width, request.height, size_rule());
  if (!plan) return false;
  const std::vector<float> repaint =
      repaint_mask(context_, request.mask->view(), *plan, model_.pixels_per_token);
  return std::ranges::all_of(repaint, [](float share) { return share == 0; });
}

bool Pipeline::fits_together() const {
  return memory_ && read_in_place(networks_.mapped) <= memory_().free_bytes;
}

PictureCost Pipeline::cost(const PicturePlan& plan, const RunInputs& inputs) const {
  const std::int64_t side = model_.pixels_per_token;
  const Autoencoder& vae = *networks_.vae;
  const bool clip = inputs.clip_frames > 0;
  const std::int64_t frames = clip ? inputs.clip_frames : 1;
  TokenCounts tokens{.text = model_.text.max_tokens,
                     .picture = plan.token_rows * plan.token_cols * frames};
  if (clip) tokens.references = plan.token_rows * plan.token_cols;  // the frame before them
  std::int64_t decode_bytes = clip ? vae.clip_bytes(plan.token_rows, plan.token_cols)
                                   : vae.decode_bytes(plan.token_rows, plan.token_cols);
  for (const image::Picture& picture : inputs.references) {
    const std::int64_t rows = picture.height / side;
    const std::int64_t cols = picture.width / side;
    tokens.references += rows * cols;
    decode_bytes = std::max(decode_bytes, vae.decode_bytes(rows, cols));  // or to encode
  }
  const WorkCost encode = networks_.prompts->cost();
  const WorkCost step = networks_.transformer->step_cost(tokens, inputs.steps);
  const double decode = clip ? vae.clip_flop(plan.token_rows, plan.token_cols)
                             : vae.decode_flop(plan.token_rows, plan.token_cols);
  const std::int64_t finished = 3 * static_cast<std::int64_t>(plan.width) * plan.height;
  return {
      .working_bytes = std::max({encode.bytes, step.bytes, decode_bytes}) + finished + kOtherBytes,
      .text_encode_bytes = read_in_place(networks_.encoders()),
      .step_bytes = read_in_place(networks_.others()),
      .text_encode_gflop = encode.flop * 1e-9,
      .step_gflop = step.flop * 1e-9 * (uses_true_guidance(inputs.guidance) ? 2 : 1),
      .decode_gflop = decode * 1e-9,
      .steps = inputs.steps};
}

Result<PictureCost> Pipeline::cost(const GenerateRequest& request) const {
  const PicturePlan plan = TRY(plan_picture(request.width, request.height, size_rule()));
  return cost(plan, TRY(prepare(request, plan)));
}

Result<> Pipeline::check_memory(const PicturePlan& plan, const RunInputs& inputs) const {
  if (!memory_) return {};
  const MachineMemory memory = memory_();
  const std::int64_t needed = cost(plan, inputs).working_bytes;
  const bool never = needed > memory.total_bytes;
  if (!never && needed <= memory.free_bytes) return {};
  const auto gib = [](std::int64_t bytes) { return static_cast<double>(bytes) / (1 << 30); };
  const std::string text = fmt::format(
      "{} of {} x {} pixels needs about {:.1f} GiB of memory beside the weights; this machine has "
      "{:.1f}, of which {:.1f} are free",
      inputs.clip_frames == 0 ? "a picture" : "a clip", plan.width, plan.height, gib(needed),
      gib(memory.total_bytes), gib(memory.free_bytes));
  if (never) return fail(ErrorCode::invalid_argument, text, "size");
  return fail(ErrorCode::resource_exhausted, text, "size");
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

Result<> Pipeline::check_clip(const ClipRequest& request) const {
  if (model_.sampling.clips.frames == 0) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("model \"{}\" makes no videos: it was not trained for clips", model_.name),
        "model");
  }
  if (request.frames < 1 || request.frames > kClipFramesMax) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} frames: must be 1 to {}", request.frames, kClipFramesMax),
                "duration");
  }
  if (request.first_frame) {
    const auto usable =
        check_reference_size(request.first_frame->width, request.first_frame->height);
    if (!usable)
      return fail(usable.error().code, fmt::format("first frame: {}", usable.error().message),
                  "image");
    TRY(check_pixels(*request.first_frame, "first frame", "image"));
  }
  return {};
}

std::vector<std::int64_t> Pipeline::passes_of(const ClipRequest& request) const {
  const std::int64_t of_a_pass = model_.sampling.clips.frames - 1;  // that are made
  const std::int64_t per_latent = networks_.vae->frames_per_latent();
  std::vector<std::int64_t> latents;
  for (std::int64_t left = request.frames - 1; left > 0; left -= of_a_pass) {
    // A model with frames in each latent makes as many as are wanted, any other its own number.
    latents.push_back(per_latent == 1 ? of_a_pass
                                      : (std::min(left, of_a_pass) + per_latent - 1) / per_latent);
  }
  return latents;
}

Result<PictureCost> Pipeline::cost(const ClipRequest& request) const {
  TRY(check_clip(request));
  const PicturePlan plan = TRY(plan_picture(request.width, request.height, size_rule()));
  RunInputs inputs = TRY(prepare(
      {.prompt = request.prompt, .steps = request.steps, .guidance = request.guidance}, plan));
  const Autoencoder& vae = *networks_.vae;
  PictureCost sum;
  for (const std::int64_t latents : passes_of(request)) {
    inputs.clip_frames = latents;
    const PictureCost pass = cost(plan, inputs);
    if (sum.steps == 0)
      sum = {pass.working_bytes, pass.text_encode_bytes, pass.step_bytes, pass.text_encode_gflop};
    sum.steps += pass.steps;
    sum.step_gflop += pass.step_gflop * pass.steps;
    sum.decode_gflop += pass.decode_gflop * static_cast<double>(latents) +
                        vae.encode_flop(plan.token_rows, plan.token_cols) * 1e-9;
    if (vae.frames_per_latent() > 1)
      sum.decode_gflop += vae.decode_flop(plan.token_rows, plan.token_cols) * 1e-9;
  }
  if (sum.steps > 0) sum.step_gflop /= sum.steps;
  return sum;
}

Result<> Pipeline::animate(const ClipRequest& request, const ClipObserver& observer,
                           RunObserver run) {
  TRY(check_clip(request));
  const PicturePlan plan = TRY(plan_picture(request.width, request.height, size_rule()));
  RunInputs inputs = TRY(prepare(
      {.prompt = request.prompt, .steps = request.steps, .guidance = request.guidance}, plan));
  const std::int64_t of_a_pass = model_.sampling.clips.frames - 1;  // that are made
  const std::vector<std::int64_t> latents = passes_of(request);
  inputs.clip_frames = latents.empty() ? 0 : latents.front();
  TRY(check_memory(plan, inputs));
  // Where latents hold several frames, the first pass of a prompt alone makes the first one, too.
  const bool at_once =
      !request.first_frame && networks_.vae->frames_per_latent() > 1 && !latents.empty();
  const int stills = request.first_frame || at_once ? 0 : 1;
  const auto passes = static_cast<int>(latents.size()) + stills;
  int passes_done = 0;
  run.watch.on_progress = [&](Progress done) {
    if (observer.on_progress)
      observer.on_progress(
          {.step = passes_done * done.steps + done.step, .steps = passes * done.steps});
  };
  std::int64_t to_make = request.frames;
  if (!at_once) {
    inputs.clip_frames = 0;
    inputs.references = {TRY(first_frame(request, inputs, plan, run))};
    TRY(observer.take(finish(inputs.references.front().pixels, plan)));
    passes_done = stills;
    --to_make;
  }
  for (const std::int64_t frames : latents) {
    const std::int64_t first = inputs.references.empty() ? 1 : 0;
    inputs.clip_frames = first + frames;
    // The frames below each other; another seed than the picture's, whose noise it would repeat.
    draw_noise(inputs, request.seed + static_cast<std::uint64_t>(passes_done));
    TRY(animate_pass(inputs, std::min(to_make, first + of_a_pass), observer, plan, run));
    to_make -= first + of_a_pass;
    ++passes_done;
  }
  return {};
}

Result<image::Picture> Pipeline::first_frame(const ClipRequest& request, RunInputs& inputs,
                                             const PicturePlan& plan, const RunObserver& run) {
  if (request.first_frame)
    return lay_on_grid(context_, request.first_frame->view(), plan, model_.pixels_per_token);
  draw_noise(inputs, request.seed);
  return on_grid(inputs, to_pixels(TRY(this->run(inputs, run))));
}

image::Picture Pipeline::on_grid(const RunInputs& inputs, std::vector<std::uint8_t> pixels) const {
  const auto side = static_cast<int>(model_.pixels_per_token);
  return {.width = static_cast<int>(inputs.cols) * side,
          .height = static_cast<int>(inputs.rows) * side,
          .channels = 3,
          .pixels = std::move(pixels)};
}

Result<> Pipeline::animate_pass(RunInputs& inputs, std::int64_t wanted,
                                const ClipObserver& observer, const PicturePlan& plan,
                                const RunObserver& run) {
  const Tensor latents = TRY(sample(inputs, run, {}));
  std::vector<std::uint8_t> last;
  const auto take = [&](ConstMatrixView frame) -> Result<bool> {
    last = to_pixels(frame);
    TRY(observer.take(finish(last, plan)));
    return --wanted > 0;
  };
  TRY(decode_clip(latents, inputs, run, take));
  inputs.references = {on_grid(inputs, std::move(last))};
  return {};
}

image::Picture Pipeline::finish(std::vector<std::uint8_t> pixels, const PicturePlan& plan) const {
  const auto side = model_.pixels_per_token;
  const int made_width = static_cast<int>(plan.token_cols * side);
  const int made_height = static_cast<int>(plan.token_rows * side);
  image::Picture picture;
  if (made_width == plan.crop_width && made_height == plan.crop_height) {
    picture = {.width = made_width, .height = made_height, .pixels = std::move(pixels)};
  } else {
    picture = crop_centre(pixels, made_width, made_height, plan.crop_width, plan.crop_height);
  }
  if (plan.enlarged()) {
    picture.pixels = resize_lanczos(context_, picture.view(), plan.width, plan.height);
    picture.width = plan.width;
    picture.height = plan.height;
  }
  return picture;
}

}  // namespace imagined::engine

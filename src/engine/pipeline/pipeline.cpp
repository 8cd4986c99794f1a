#include "engine/pipeline/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "engine/ops/convert/convert.h"
#include "engine/ops/resize/fit_reference.h"
#include "engine/ops/resize/resize.h"
#include "engine/pipeline/picture_size.h"
#include "engine/sampling/euler.h"
#include "engine/sampling/noise.h"
#include "engine/sampling/schedule.h"

namespace imagined::engine {
namespace {

constexpr int kMaxSteps = 500;
constexpr float kMaxGuidance = 100;
constexpr std::size_t kMaxReferences = 8;
constexpr std::int64_t kReferencePixels = 1024 * 1024;  // flux.md 6.1: diffusers' cap, always
// Klein's features of one prompt are 16 MB; a batch needs the prompt and the empty one.
constexpr std::size_t kCachedPrompts = 4;
constexpr std::int64_t kKeptWorkspaceBytes = 64 << 20;
constexpr std::size_t kCachedReferences = kMaxReferences;

NumberFormat number_format(Precision precision, const CpuFeatures& cpu) {
  return precision == Precision::f32 ? NumberFormat::exact() : NumberFormat::fast(cpu);
}

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

ScheduleOptions schedule_options(const ModelFolder& model) {
  return {.dynamic_shifting = model.scheduler.dynamic_shifting,
          .shift = model.sampling.shift.value_or(model.scheduler.shift),
          .curve = model.scheduler.time_shift == TimeShift::linear ? ShiftCurve::linear
                                                                   : ShiftCurve::exponential,
          .terminal = model.scheduler.shift_terminal};
}

/// The middle of a picture of RGB bytes.
Picture crop_centre(const std::vector<std::uint8_t>& pixels, int made_width, int made_height,
                    int width, int height) {
  Picture out{.width = width, .height = height, .channels = 3};
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

Pipeline::Pipeline(ModelFolder model, const ContextOptions& options, Tokenizer tokenizer)
    : model_(std::move(model)),
      context_(options),
      tokenizer_(std::move(tokenizer)),
      prompts_(kCachedPrompts),
      references_(kCachedReferences) {}

Result<std::unique_ptr<Pipeline>> Pipeline::load(ModelFolder model, Precision precision,
                                                 const ContextOptions& options) {
  Tokenizer tokenizer = TRY(Tokenizer::load(model.tokenizer));
  if (tokenizer.vocab_size() > model.qwen3.vocab_size) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("tokenizer: {} tokens for a text encoder with {}",
                            tokenizer.vocab_size(), model.qwen3.vocab_size));
  }
  std::unique_ptr<Pipeline> pipeline(new Pipeline(std::move(model), options, std::move(tokenizer)));
  const Context& context = pipeline->context_;
  pipeline->networks_ =
      TRY(load_networks(context, pipeline->model_, number_format(precision, context.cpu())));
  return pipeline;
}

PromptEncoding Pipeline::encode_prompt(std::string_view prompt) const {
  return tokenizer_.encode_prompt(prompt,
                                  {.max_tokens = model_.text.max_tokens, .pad = model_.text.pad});
}

bool Pipeline::uses_true_guidance(float guidance) const {
  return guidance > 1 && !model_.distilled;
}

void Pipeline::forget() {
  prompts_.clear();
  references_.clear();
}

Result<Picture> Pipeline::fit_reference_picture(const Picture& picture) const {
  TRY(check_reference_size(picture.width, picture.height));
  const auto expected = static_cast<std::size_t>(picture.width) *
                        static_cast<std::size_t>(picture.height) *
                        static_cast<std::size_t>(picture.channels);
  if ((picture.channels != 3 && picture.channels != 4) || picture.pixels.size() != expected) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("reference of {}x{} pixels with {} channels: {} bytes", picture.width,
                            picture.height, picture.channels, picture.pixels.size()),
                "image");
  }
  const ReferenceFit fit =
      TRY(fit_reference(picture.width, picture.height, kReferencePixels,
                        static_cast<int>(model_.vae_config.pixels_per_token())));
  return Picture{.width = fit.width,
                 .height = fit.height,
                 .channels = 3,
                 .pixels = apply_fit(context_,
                                     {.data = picture.pixels.data(),
                                      .width = picture.width,
                                      .height = picture.height,
                                      .channels = picture.channels},
                                     fit)};
}

Result<std::shared_ptr<const Tensor>> Pipeline::text_features(const PromptEncoding& prompt,
                                                              const RunObserver& observer) {
  PromptKey key{.ids = prompt.ids, .real_count = prompt.real_count};
  if (auto known = prompts_.find(key)) return known;
  const Qwen3& encoder = networks_->text_encoder;
  Tensor features = TRY(measured(
      observer.log, Stage::text_encode, encoder.flop(static_cast<std::int64_t>(prompt.ids.size())),
      [&] { return encoder.encode(context_, prompt.ids, prompt.real_count, observer.stop); }));
  TRY(check_finite(context_, features, "text encoder"));
  return prompts_.add(std::move(key), std::move(features));
}

Result<std::vector<ReferenceTokens>> Pipeline::encode_references(
    const std::vector<Picture>& pictures, const RunObserver& observer) {
  const std::int64_t side = model_.vae_config.pixels_per_token();
  std::vector<ReferenceTokens> references;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    const Picture& picture = pictures[i];
    const std::int64_t rows = picture.height / side;
    const std::int64_t cols = picture.width / side;
    PictureKey key{.width = picture.width, .height = picture.height, .pixels = picture.pixels};
    std::shared_ptr<const Tensor> latents = references_.find(key);
    if (latents == nullptr) {
      Tensor fresh = TRY(measured(
          observer.log, Stage::reference_encode, networks_->vae.encode_flop(rows, cols), [&] {
            Tensor signal(static_cast<std::int64_t>(picture.width) * picture.height, 3);
            pixels_to_signal(context_, picture.pixels.data(), signal);
            return networks_->vae.encode(context_, signal, picture.height, picture.width, pool_,
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
struct Pipeline::Denoiser {
  std::vector<float> sigmas;
  Tensor modulation;  // a row per step
  Flux2Condition with_prompt;
  Flux2Condition without_prompt;
  bool true_guidance = false;
  Tensor velocity;
  Tensor velocity_without;
};

Result<> Pipeline::denoise(Denoiser& denoiser, Tensor& latents, const RunInputs& inputs,
                           const RunObserver& observer) {
  const Flux2& model = networks_->transformer;
  const auto pass = [&](const Flux2Condition& condition, int step, Tensor& velocity) {
    return model.velocity(context_, condition, denoiser.modulation.row<float>(step), latents,
                          workspace_, velocity, observer.stop);
  };
  const double flop = [&] {
    const auto of = [&](const Flux2Condition& c) {
      return model.flop(c.text_tokens(), c.output_tokens, c.references.rows());
    };
    return of(denoiser.with_prompt) + (denoiser.true_guidance ? of(denoiser.without_prompt) : 0.0);
  }();
  const auto one_step = [&](int step) -> Result<> {
    TRY(pass(denoiser.with_prompt, step, denoiser.velocity));
    if (denoiser.true_guidance) {
      TRY(pass(denoiser.without_prompt, step, denoiser.velocity_without));
      guide(context_, denoiser.velocity, inputs.guidance, denoiser.velocity_without);
      std::swap(denoiser.velocity, denoiser.velocity_without);
    }
    TRY(check_finite(context_, denoiser.velocity, fmt::format("velocity of step {}", step)));
    const auto i = static_cast<std::size_t>(step);
    euler_step(context_, denoiser.velocity, denoiser.sigmas[i], denoiser.sigmas[i + 1], latents);
    return {};
  };
  for (int step = 0; step < inputs.steps; ++step) {
    if (observer.stop.stop_requested()) return fail(ErrorCode::cancelled, "cancelled");
    TRY(measured(observer.log, Stage::step, flop, [&] { return one_step(step); }));
    if (observer.trace != nullptr) {
      observer.trace->velocities.push_back(copy(context_, denoiser.velocity));
    }
    if (observer.on_progress) observer.on_progress({.step = step + 1, .steps = inputs.steps});
  }
  return {};
}

Result<Tensor> Pipeline::run(const RunInputs& inputs, const RunObserver& observer) {
  Denoiser denoiser;
  denoiser.true_guidance = uses_true_guidance(inputs.guidance);
  const auto features = TRY(text_features(inputs.prompt, observer));
  std::shared_ptr<const Tensor> negative;
  if (denoiser.true_guidance) negative = TRY(text_features(inputs.negative, observer));
  const std::vector<ReferenceTokens> references =
      TRY(encode_references(inputs.references, observer));

  denoiser.sigmas =
      TRY(make_schedule(schedule_options(model_), inputs.rows * inputs.cols, inputs.steps));
  const Flux2& model = networks_->transformer;
  measured(observer.log, Stage::prepare, 0, [&] {
    const std::span<const float> levels(denoiser.sigmas.data(),
                                        static_cast<std::size_t>(inputs.steps));
    // Klein is never told the guidance, whatever its configuration says (flux.md 4.5).
    denoiser.modulation = model.modulation(context_, levels, std::nullopt);
    denoiser.with_prompt =
        model.condition(context_, *features, inputs.rows, inputs.cols, references);
    if (denoiser.true_guidance) {
      denoiser.without_prompt =
          model.condition(context_, *negative, inputs.rows, inputs.cols, references);
    }
    return true;
  });
  Tensor latents = copy(context_, inputs.noise);
  denoiser.velocity = Tensor(latents.rows(), latents.cols());
  if (denoiser.true_guidance) denoiser.velocity_without = Tensor(latents.rows(), latents.cols());
  if (observer.trace != nullptr) {
    RunTrace& trace = *observer.trace;
    trace.sigmas = denoiser.sigmas;
    trace.prompt_embeds = copy(context_, *features);
    if (negative != nullptr) trace.negative_prompt_embeds = copy(context_, *negative);
    for (const ReferenceTokens& reference : references) {
      trace.reference_latents.push_back(copy(context_, reference.latents));
    }
  }
  TRY(denoise(denoiser, latents, inputs, observer));
  if (observer.trace != nullptr) observer.trace->latents = copy(context_, latents);

  // A decode needs most memory of all; a small workspace stays for the next picture.
  if (workspace_.held_bytes() > kKeptWorkspaceBytes) workspace_ = {};
  const Vae& vae = networks_->vae;
  Tensor decoded =
      TRY(measured(observer.log, Stage::decode, vae.decode_flop(inputs.rows, inputs.cols), [&] {
        return vae.decode(context_, latents, inputs.rows, inputs.cols, pool_, observer.stop);
      }));
  TRY(check_finite(context_, decoded, "decoded picture"));
  return decoded;
}

std::vector<std::uint8_t> Pipeline::to_pixels(const Tensor& decoded) const {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(decoded.rows()) * 3);
  signal_to_pixels(context_, decoded, pixels.data());
  return pixels;
}

Result<RunInputs> Pipeline::prepare(const GenerateRequest& request, std::int64_t rows,
                                    std::int64_t cols) const {
  RunInputs inputs;
  inputs.rows = rows;
  inputs.cols = cols;
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
  if (request.references.size() > kMaxReferences) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("{} reference pictures: at most {}", request.references.size(), kMaxReferences),
        "image");
  }
  inputs.prompt = encode_prompt(request.prompt);
  if (uses_true_guidance(inputs.guidance)) inputs.negative = encode_prompt("");
  for (const Picture& picture : request.references) {
    inputs.references.push_back(TRY(fit_reference_picture(picture)));
  }
  inputs.noise = make_noise(request.seed, model_.flux2.in_channels, rows, cols);
  return inputs;
}

Result<Picture> Pipeline::generate(const GenerateRequest& request, const RunObserver& observer) {
  const std::int64_t side = model_.vae_config.pixels_per_token();
  const PicturePlan plan =
      TRY(plan_picture(request.width, request.height,
                       {.pixels_per_token = side, .native_pixels = model_.sampling.native_pixels}));
  const RunInputs inputs = TRY(prepare(request, plan.token_rows, plan.token_cols));
  const Tensor decoded = TRY(run(inputs, observer));

  return measured(observer.log, Stage::finish, 0, [&]() -> Result<Picture> {
    const int made_width = static_cast<int>(plan.token_cols * side);
    const int made_height = static_cast<int>(plan.token_rows * side);
    std::vector<std::uint8_t> pixels = to_pixels(decoded);
    Picture picture;
    if (made_width == plan.crop_width && made_height == plan.crop_height) {
      picture = {.width = made_width, .height = made_height, .pixels = std::move(pixels)};
    } else {
      picture = crop_centre(pixels, made_width, made_height, plan.crop_width, plan.crop_height);
    }
    if (plan.enlarged()) {
      picture.pixels = resize_lanczos(context_,
                                      {.data = picture.pixels.data(),
                                       .width = picture.width,
                                       .height = picture.height,
                                       .channels = 3},
                                      plan.width, plan.height);
      picture.width = plan.width;
      picture.height = plan.height;
    }
    return picture;
  });
}

}  // namespace imagined::engine

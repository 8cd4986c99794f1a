// What FLUX.1 is: its pipeline, its parts, and what its models have in common.
#include <fmt/core.h>

#include <tuple>

#include "engine/families/flux1/flux1_family.h"
#include "engine/families/flux1/plan.h"
#include "engine/models/clip/clip_names.h"
#include "engine/models/flux1/flux1_names.h"
#include "engine/models/t5/t5_names.h"
#include "engine/models/vae/vae_names.h"

namespace imagined::engine {
namespace {

constexpr PipelineClass kPipelines[] = {
    {.name = "FluxPipeline"},
    {.name = "FluxModularPipeline"},
    {.name = "FluxKontextPipeline", .takes_references = true},
    {.name = "FluxKontextModularPipeline", .takes_references = true},
};
// Those that Kontext was trained with.
// Source: diffusers, `pipeline_flux_kontext.py` (flux.md 6.4).
constexpr ReferenceSize kKontextSizes[] = {
    {672, 1568}, {688, 1504}, {720, 1456},  {752, 1392}, {800, 1328}, {832, 1248},
    {880, 1184}, {944, 1104}, {1024, 1024}, {1104, 944}, {1184, 880}, {1248, 832},
    {1328, 800}, {1392, 752}, {1456, 720},  {1504, 688}, {1568, 672}};
constexpr PipelineComponent kComponents[] = {
    {"scheduler", {"FlowMatchEulerDiscreteScheduler", "FlowMatchEulerDiscreteScheduler"}},
    {"text_encoder", {"CLIPTextModel", "CLIPTextModel"}},
    {"text_encoder_2", {"T5EncoderModel", "T5EncoderModel"}},
    {"tokenizer", {"CLIPTokenizer", "CLIPTokenizerFast"}},
    {"tokenizer_2", {"T5TokenizerFast", "T5Tokenizer"}},
    {"transformer", {"FluxTransformer2DModel", "FluxTransformer2DModel"}},
    {"vae", {"AutoencoderKL", "AutoencoderKL"}},
};

tl::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message));
}

Result<> check_clip(const ClipConfig& clip, const Flux1Config& transformer) {
  if (clip.hidden_size == transformer.pooled_size) return {};
  return refuse(fmt::format("pooled_projection_dim is {}, but CLIP's vector is {} wide",
                            transformer.pooled_size, clip.hidden_size));
}

Result<> check_t5(const T5Config& t5, const Flux1Config& transformer) {
  if (t5.hidden_size == transformer.context_size) return {};
  return refuse(fmt::format("joint_attention_dim is {}, but T5's features are {} wide",
                            transformer.context_size, t5.hidden_size));
}

Result<> check_vae(const VaeConfig& vae, const Flux1Config& transformer) {
  if (!vae.scaling_factor) return refuse("the VAE has no scaling_factor: it is not one of FLUX.1");
  const std::int64_t channels = 4 * vae.latent_channels;
  if (transformer.channels == channels) return {};
  return refuse(
      fmt::format("the transformer takes and gives {} channels, expected {} (2x2 patches "
                  "of {} latent channels)",
                  transformer.channels, channels, vae.latent_channels));
}

/// Everything that a file of weights shows; the RoPE axes are not among it.
bool have_same_shapes(const Flux1Config& a, const Flux1Config& b) {
  const auto shapes = [](const Flux1Config& c) {
    return std::tuple(c.channels, c.double_blocks, c.single_blocks, c.heads, c.head_dim,
                      c.context_size, c.pooled_size);
  };
  return shapes(a) == shapes(b);
}

std::vector<const NameTable*> networks() {
  return {&flux1_names(), &clip_names(), &t5_names(), &vae_names()};
}

bool owns(const WeightFiles& files) { return files.contents().find(flux1_names()) != nullptr; }

/// dev and Kontext embed their guidance; schnell has none, was trained with shorter prompts and
/// without a shift (flux.md 1.2, 1.5).
Result<> apply_defaults(bool dev, ModelFiles& files, ModelPlan& plan) {
  for (const Statement* statement : {&plan.distilled, &plan.cached_references})
    if (statement->by == kByConfiguration)
      return fail(ErrorCode::invalid_argument,
                  "distilled, cached_references: a FLUX.1 model's tensors say what it is; these "
                  "keys are for FLUX.2 [klein]");
  plan.distilled = {true, "its family"};
  plan.cached_references = {false, "its family"};
  plan.guidance = dev ? GuidanceUse::embedded : GuidanceUse::none;
  const bool kontext = files.takes_references("kontext");
  plan.max_references = kontext ? 1 : 0;
  if (kontext) plan.reference_sizes = kKontextSizes;
  plan.noise_fold = 2;
  if (!dev) {
    plan.scheduler.dynamic_shifting = false;
    plan.scheduler.shift = 1;
  }
  TRY(files.read_scheduler(plan));
  plan.scheduler.shift_on_line = true;
  plan.sampling = dev ? SamplingDefaults{.steps = 28, .guidance = 3.5}
                      : SamplingDefaults{.steps = 4, .guidance = 1};
  if (plan.text.max_tokens == 0) plan.text.max_tokens = dev ? 512 : 256;
  TRY(files.read_sampling(plan));
  if (plan.sampling.clips.frames > 0)
    return fail(ErrorCode::invalid_argument,
                "sampling.json: clip_frames: FLUX.1's pictures stand at no time");
  return {};
}

}  // namespace

Result<ModelPlan> describe_flux1(ModelFiles& files) {
  ModelPlan plan = files.begin();
  auto own = std::make_shared<Flux1Plan>();
  own->transformer = TRY(files.transformer_config<Flux1Config>({.part = "transformer",
                                                                .names = flux1_names(),
                                                                .parse = parse_flux1_config,
                                                                .detect = detect_flux1,
                                                                .fits = {}},
                                                               have_same_shapes));
  own->clip = TRY(files.take<ClipConfig>(
      {.part = "text_encoder",
       .names = clip_names(),
       .parse = parse_clip_config,
       .detect = detect_clip,
       .fits = [&](const ClipConfig& clip) { return check_clip(clip, own->transformer); }},
      plan));
  own->t5 = TRY(files.take<T5Config>(
      {.part = "text_encoder_2",
       .names = t5_names(),
       .parse = parse_t5_config,
       .detect = detect_t5,
       .fits = [&](const T5Config& t5) { return check_t5(t5, own->transformer); }},
      plan));
  plan.vae = TRY(files.take<VaeConfig>(
      {.part = "vae",
       .names = vae_names(),
       .parse = parse_vae_config,
       .detect = detect_vae,
       .fits = [&](const VaeConfig& vae) { return check_vae(vae, own->transformer); }},
      plan));
  plan.pixels_per_token = plan.vae.pixels_per_token();
  TRY(apply_defaults(own->transformer.guidance_embeds, files, plan));
  TRY(files.take_tokenizer("tokenizer", TokenizerKind::clip, plan));
  TRY(files.take_tokenizer("tokenizer_2", TokenizerKind::t5, plan));
  plan.own = std::move(own);
  return plan;
}

Result<> check_flux1(const ModelPlan& plan) {
  const auto& own = plan.own_as<Flux1Plan>();
  TRY(check_t5(own.t5, own.transformer));
  TRY(check_clip(own.clip, own.transformer));
  return check_vae(plan.vae, own.transformer);
}

const Family kFlux1 = {.name = "flux1",
                       .pipelines = kPipelines,
                       .components = kComponents,
                       .check_index = nullptr,
                       .networks = networks,
                       .owns = owns,
                       .describe = describe_flux1,
                       .check = check_flux1,
                       .load = load_flux1,
                       .tokenizer_part = "tokenizer_2",
                       .tokenizer_kind = TokenizerKind::t5,
                       .tokens = flux1_tokens};

}  // namespace imagined::engine

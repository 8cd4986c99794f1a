// What Wan 2.2 TI2V is: its pipelines, its parts, and what its models have in common.
#include <fmt/core.h>

#include <tuple>

#include "engine/families/name_words.h"
#include "engine/families/wan/plan.h"
#include "engine/families/wan/wan_family.h"
#include "engine/models/t5/t5_names.h"
#include "engine/models/wan/wan_names.h"
#include "engine/models/wan_vae/wan_vae_names.h"

namespace imagined::engine {
namespace {

constexpr PipelineClass kPipelines[] = {
    {.name = "WanPipeline"},
    {.name = "WanImageToVideoPipeline"},
    {.name = "WanDMDPipeline", .distilled = true},  // FastWan
};
constexpr PipelineComponent kComponents[] = {
    {"scheduler", {"UniPCMultistepScheduler", "FlowMatchEulerDiscreteScheduler"}},
    {"text_encoder", {"UMT5EncoderModel", "UMT5EncoderModel"}},
    {"tokenizer", {"T5TokenizerFast", "T5Tokenizer"}},
    {"transformer", {"WanTransformer3DModel", "WanTransformer3DModel"}},
    {"vae", {"AutoencoderKLWan", "AutoencoderKLWan"}},
};
// Of FastWan: those of its three steps. Source: FastVideo, `FastWan2_2_TI2V_5B_Config`; its
// `DmdDenoisingStage` looks their levels up under a shift of 8, its training under the folder's 5.
constexpr float kFastTimes[] = {1.0f, 0.757f, 0.522f};
// 5 s, which it was trained with, at 720p; larger frames are made so and enlarged.
// Source: Wan 2.2, `wan_ti2v_5B.py`.
constexpr ClipTraining kClips = {.frames = 121, .frames_per_second = 24};
constexpr std::int64_t kNativePixels = 1280 * 720;

/// The other Wans, by what their indices say.
void check_index(ConfigReader& index) {
  constexpr const char* kOnly = "is not supported; Wan2.2-TI2V-5B, which has one for all, is";
  if (index.has("boundary_ratio"))
    index.refuse("boundary_ratio",
                 fmt::format("a model of two transformers (Wan 2.2 A14B) {}", kOnly),
                 ErrorCode::unimplemented);
  if (index.names_part("transformer_2"))
    index.refuse("transformer_2",
                 fmt::format("a model of two transformers (Wan 2.2 A14B) {}", kOnly),
                 ErrorCode::unimplemented);
  if (index.string_or("_class_name", "") != "WanDMDPipeline" &&
      !index.boolean_or("expand_timesteps", false))
    index.refuse("expand_timesteps",
                 "false: a model with one noise level for all frames (Wan 2.1, A14B) is not "
                 "supported; Wan2.2-TI2V-5B, whose first frame has its own, is",
                 ErrorCode::unimplemented);
}

Result<> check_text(const T5Config& text, const WanConfig& transformer) {
  if (text.hidden_size == transformer.text_size) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("text_dim is {}, but UMT5's features are {} wide", transformer.text_size,
                          text.hidden_size));
}

Result<> check_vae(const WanVaeConfig& vae, const WanConfig& transformer) {
  if (vae.latent_channels == transformer.channels) return {};
  return fail(ErrorCode::invalid_argument,
              fmt::format("the transformer takes and gives {} channels, expected {} (z_dim of the "
                          "VAE)",
                          transformer.channels, vae.latent_channels));
}

/// Everything that a file of weights shows; epsilon is not among it.
bool have_same_shapes(const WanConfig& a, const WanConfig& b) {
  const auto shapes = [](const WanConfig& c) {
    return std::tuple(c.channels, c.width(), c.layers, c.ffn_size, c.text_size, c.time_channels);
  };
  return shapes(a) == shapes(b);
}

std::vector<const NameTable*> networks() { return {&wan_names(), &t5_names(), &wan_vae_names()}; }

bool owns(const WeightFiles& files) { return files.contents().find(wan_names()) != nullptr; }

Result<> apply_defaults(ModelFiles& files, ModelPlan& plan) {
  if (plan.cached_references.by == kByConfiguration)
    return fail(ErrorCode::invalid_argument,
                "cached_references: this key is for FLUX.2 [klein]; a Wan has no references");
  plan.cached_references = {false, "its family"};
  if (plan.distilled.by != kByConfiguration && !files.has_index()) {
    const bool fast = is_named(plan.part("transformer").path, "fastwan");
    plan.distilled = {fast, fast ? "the word \"fastwan\" in the name"
                                 : "no index that says so and no word \"fastwan\" in the name"};
  }
  plan.guidance = plan.distilled.value ? GuidanceUse::none : GuidanceUse::two_passes;
  plan.max_references = 0;
  plan.noise_fold = 2;
  plan.scheduler = {.solver = Solver::unipc, .dynamic_shifting = false, .shift = 5};
  TRY(files.read_scheduler(plan));
  if (plan.distilled.value) {
    plan.scheduler.solver = Solver::dmd;
    plan.distilled_times.assign(std::begin(kFastTimes), std::end(kFastTimes));
  }
  plan.sampling = plan.distilled.value ? SamplingDefaults{.steps = 3, .guidance = 1}
                                       : SamplingDefaults{.steps = 50, .guidance = 5};
  plan.sampling.clips = kClips;
  plan.sampling.native_pixels = kNativePixels;
  if (plan.text.max_tokens == 0) plan.text.max_tokens = 512;
  TRY(files.read_sampling(plan));
  if (plan.sampling.clips.stride > 1)
    return fail(ErrorCode::invalid_argument,
                "sampling.json: clip_stride: Wan makes the frames of a pass at once");
  return {};
}

}  // namespace

Result<ModelPlan> describe_wan(ModelFiles& files) {
  ModelPlan plan = files.begin();
  auto own = std::make_shared<WanPlan>();
  own->transformer = TRY(files.transformer_config<WanConfig>({.part = "transformer",
                                                              .names = wan_names(),
                                                              .parse = parse_wan_config,
                                                              .detect = detect_wan,
                                                              .fits = {}},
                                                             have_same_shapes));
  own->text_encoder = TRY(files.take<T5Config>(
      {.part = "text_encoder",
       .names = t5_names(),
       .parse = parse_umt5_config,
       .detect = detect_umt5,
       .fits = [&](const T5Config& text) { return check_text(text, own->transformer); }},
      plan));
  own->vae = TRY(files.take<WanVaeConfig>(
      {.part = "vae",
       .names = wan_vae_names(),
       .parse = parse_wan_vae_config,
       .detect = detect_wan_vae,
       .fits = [&](const WanVaeConfig& vae) { return check_vae(vae, own->transformer); }},
      plan));
  plan.pixels_per_token = 2 * own->vae.pixels_per_latent();
  TRY(apply_defaults(files, plan));
  TRY(files.take_tokenizer("tokenizer", TokenizerKind::t5, plan));
  plan.own = std::move(own);
  return plan;
}

Result<> check_wan(const ModelPlan& plan) {
  const auto& own = plan.own_as<WanPlan>();
  TRY(check_text(own.text_encoder, own.transformer));
  return check_vae(own.vae, own.transformer);
}

const Family kWan = {.name = "wan",
                     .pipelines = kPipelines,
                     .components = kComponents,
                     .check_index = check_index,
                     .networks = networks,
                     .owns = owns,
                     .describe = describe_wan,
                     .check = check_wan,
                     .load = load_wan,
                     .tokenizer_part = "tokenizer",
                     .tokenizer_kind = TokenizerKind::t5,
                     .tokens = wan_tokens};

}  // namespace imagined::engine

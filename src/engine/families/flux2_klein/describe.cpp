// What FLUX.2 [klein] is: its pipelines, its parts, and what all its models have in common.
#include <fmt/core.h>

#include <algorithm>

#include "engine/families/flux2_klein/flux2_klein.h"
#include "engine/families/flux2_klein/plan.h"
#include "engine/families/flux2_parts.h"
#include "engine/formats/file_tensor.h"
#include "engine/models/flux2/flux2_names.h"
#include "engine/models/qwen3/qwen3_names.h"
#include "engine/models/vae/vae_names.h"

namespace imagined::engine {
namespace {

constexpr PipelineClass kPipelines[] = {
    {.name = "Flux2KleinPipeline"},
    {.name = "Flux2KleinModularPipeline"},
    {.name = "Flux2KleinBaseModularPipeline"},
    // Knows no guidance at all.
    {.name = "Flux2KleinKVPipeline", .cached_references = true, .distilled = true},
};
constexpr PipelineComponent kComponents[] = {
    {"scheduler", {"FlowMatchEulerDiscreteScheduler", "FlowMatchEulerDiscreteScheduler"}},
    {"text_encoder", {"Qwen3ForCausalLM", "Qwen3Model"}},
    {"tokenizer", {"Qwen2TokenizerFast", "Qwen2Tokenizer"}},
    {"transformer", {"Flux2Transformer2DModel", "Flux2Transformer2DModel"}},
    {"vae", {"AutoencoderKLFlux2", "AutoencoderKLFlux2"}},
};

/// Klein's own layers need an encoder that has them; the rest as all of FLUX.2.
Result<> check_text(const TextConfig& text, const Flux2Config& transformer,
                    const Qwen3Config& encoder) {
  const bool has_all =
      std::ranges::all_of(text.taps, [&](std::int64_t tap) { return tap <= encoder.layers; });
  if (!has_all && !text.taps_stated)
    return fail(ErrorCode::invalid_argument,
                fmt::format("the text encoder has {} layers, and of klein's the layers {} are "
                            "read; a model of other "
                            "layers says so in model_index.json (text_encoder_out_layers, which "
                            "diffusers drops when "
                            "it saves)",
                            encoder.layers, to_string(text.taps)));
  return check_flux2_text(text, transformer, encoder);
}

std::vector<const NameTable*> networks() { return {&flux2_names(), &qwen3_names(), &vae_names()}; }

/// FLUX.2 [dev], which has this transformer too, is asked before.
bool owns(const WeightFiles& files) { return files.contents().find(flux2_names()) != nullptr; }

}  // namespace

Result<ModelPlan> describe_flux2_klein(ModelFiles& files) {
  ModelPlan plan = files.begin();
  auto own = std::make_shared<KleinPlan>();
  own->transformer = TRY(take_flux2_transformer(files));
  own->transformer.cached_references = plan.cached_references.value;
  plan.inpaints = !plan.cached_references.value;  // flux.md 6.3: the pipeline of the others
  own->text_encoder =
      TRY(files.take<Qwen3Config>({.part = "text_encoder",
                                   .names = qwen3_names(),
                                   .parse = parse_qwen3_config,
                                   .detect = detect_qwen3,
                                   .fits =
                                       [&](const Qwen3Config& encoder) {
                                         return check_text(plan.text, own->transformer, encoder);
                                       }},
                                  plan));
  plan.vae = TRY(take_flux2_vae(files, own->transformer, plan));
  plan.pixels_per_token = plan.vae.pixels_per_token();
  TRY(files.read_scheduler(plan));
  plan.guidance = plan.distilled.value ? GuidanceUse::none : GuidanceUse::two_passes;
  plan.sampling = plan.distilled.value ? SamplingDefaults{.steps = 4, .guidance = 1}
                                       : SamplingDefaults{.steps = 50, .guidance = 4};
  if (plan.text.max_tokens == 0) plan.text.max_tokens = 512;
  TRY(files.read_sampling(plan));
  TRY(files.take_tokenizer("tokenizer", TokenizerKind::qwen, plan));
  plan.own = std::move(own);
  return plan;
}

Result<> check_flux2_klein(const ModelPlan& plan) {
  const auto& own = plan.own_as<KleinPlan>();
  TRY(check_text(plan.text, own.transformer, own.text_encoder));
  return check_flux2_vae(plan.vae, own.transformer);
}

const Family kFlux2Klein = {.name = "flux2-klein",
                            .pipelines = kPipelines,
                            .components = kComponents,
                            .check_index = nullptr,
                            .networks = networks,
                            .owns = owns,
                            .describe = describe_flux2_klein,
                            .check = check_flux2_klein,
                            .load = load_flux2_klein,
                            .tokenizer_part = "tokenizer",
                            .tokenizer_kind = TokenizerKind::qwen,
                            .tokens = flux2_klein_tokens};

}  // namespace imagined::engine

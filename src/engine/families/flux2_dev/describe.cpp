// What FLUX.2 [dev] is: its pipelines and its parts.
#include <fmt/core.h>

#include <algorithm>

#include "engine/families/flux2_dev/flux2_dev.h"
#include "engine/families/flux2_dev/plan.h"
#include "engine/families/flux2_parts.h"
#include "engine/formats/file_tensor.h"
#include "engine/models/flux2/flux2_names.h"
#include "engine/models/qwen3/qwen3_names.h"
#include "engine/models/vae/vae_names.h"

namespace imagined::engine {
namespace {

constexpr PipelineClass kPipelines[] = {{.name = "Flux2Pipeline"},
                                        {.name = "Flux2ModularPipeline"}};
constexpr PipelineComponent kComponents[] = {
    {"scheduler", {"FlowMatchEulerDiscreteScheduler", "FlowMatchEulerDiscreteScheduler"}},
    {"text_encoder", {"Mistral3ForConditionalGeneration", "Mistral3Model"}},
    {"tokenizer", {"PixtralProcessor", "AutoProcessor"}},
    {"transformer", {"Flux2Transformer2DModel", "Flux2Transformer2DModel"}},
    {"vae", {"AutoencoderKLFlux2", "AutoencoderKLFlux2"}},
};
// Of the 40 layers; flux.md 5.4.
const std::vector<std::int64_t> kTaps = {10, 20, 30};

std::vector<const NameTable*> networks() {
  return {&flux2_names(), &mistral_names(), &vae_names()};
}

/// FLUX.2's transformer with guidance in it, in either layout's name.
bool owns(const WeightFiles& files) {
  const NetworkTensors* network = files.contents().find(flux2_names());
  return network != nullptr && std::ranges::any_of(network->tensors, [](const FileTensor* tensor) {
           return tensor->name.find("guidance_in.") != std::string::npos ||
                  tensor->name.find("guidance_embedder.") != std::string::npos;
         });
}

}  // namespace

Result<ModelPlan> describe_flux2_dev(ModelFiles& files) {
  ModelPlan plan = files.begin();
  for (const Statement* statement : {&plan.distilled, &plan.cached_references})
    if (statement->by == kByConfiguration)
      return fail(
          ErrorCode::invalid_argument,
          "distilled, cached_references: FLUX.2 [dev] is one model; these keys are for klein");
  auto own = std::make_shared<Flux2DevPlan>();
  own->transformer = TRY(take_flux2_transformer(files));
  if (!plan.text.taps_stated) plan.text.taps = kTaps;
  own->text_encoder = TRY(files.take<Qwen3Config>({.part = "text_encoder",
                                                   .names = mistral_names(),
                                                   .parse = parse_mistral_config,
                                                   .detect = detect_mistral,
                                                   .fits =
                                                       [&](const Qwen3Config& encoder) {
                                                         return check_flux2_text(
                                                             plan.text, own->transformer, encoder);
                                                       }},
                                                  plan));
  plan.vae = TRY(take_flux2_vae(files, own->transformer, plan));
  plan.pixels_per_token = plan.vae.pixels_per_token();
  TRY(files.read_scheduler(plan));
  plan.distilled = {true, "its family"};
  plan.cached_references = {false, "its family"};
  plan.guidance = GuidanceUse::embedded;
  plan.sampling = {.steps = 50, .guidance = 4};
  if (plan.text.max_tokens == 0) plan.text.max_tokens = 512;
  TRY(files.read_sampling(plan));
  TRY(files.take_tokenizer("tokenizer", TokenizerKind::mistral, plan));
  plan.own = std::move(own);
  return plan;
}

Result<> check_flux2_dev(const ModelPlan& plan) {
  const auto& own = plan.own_as<Flux2DevPlan>();
  TRY(check_flux2_text(plan.text, own.transformer, own.text_encoder));
  return check_flux2_vae(plan.vae, own.transformer);
}

const Family kFlux2Dev = {.name = "flux2-dev",
                          .pipelines = kPipelines,
                          .components = kComponents,
                          .check_index = nullptr,
                          .networks = networks,
                          .owns = owns,
                          .describe = describe_flux2_dev,
                          .check = check_flux2_dev,
                          .load = load_flux2_dev,
                          .tokenizer_part = "tokenizer",
                          .tokenizer_kind = TokenizerKind::mistral,
                          .tokens = flux2_dev_tokens};

}  // namespace imagined::engine

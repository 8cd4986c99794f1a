#include "engine/families/family_defaults.h"

namespace imagined::engine {
namespace {

void apply_flux2_klein(ModelFolder& model) {
  model.flux2.cached_references = model.cached_references;
  model.guidance = model.distilled ? GuidanceUse::none : GuidanceUse::two_passes;
  model.sampling = model.distilled ? SamplingDefaults{.steps = 4, .guidance = 1}
                                   : SamplingDefaults{.steps = 50, .guidance = 4};
  if (model.text.max_tokens == 0) model.text.max_tokens = 512;
}

/// dev embeds its guidance; schnell has none and was trained with shorter prompts (flux.md 1.2).
void apply_flux1(ModelFolder& model) {
  const bool dev = model.flux1.guidance_embeds;
  model.distilled = true;
  model.guidance = dev ? GuidanceUse::embedded : GuidanceUse::none;
  model.max_references = 0;
  model.noise_fold = 2;
  model.scheduler.shift_on_line = true;
  model.sampling = dev ? SamplingDefaults{.steps = 28, .guidance = 3.5}
                       : SamplingDefaults{.steps = 4, .guidance = 1};
  if (model.text.max_tokens == 0) model.text.max_tokens = dev ? 512 : 256;
}

}  // namespace

void apply_family_defaults(ModelFolder& model) {
  if (model.family == kFlux1) {
    apply_flux1(model);
  } else {
    apply_flux2_klein(model);
  }
}

}  // namespace imagined::engine

#pragma once

#include "engine/families/family.h"
#include "engine/models/clip/clip_config.h"
#include "engine/models/flux1/flux1_config.h"
#include "engine/models/t5/t5_config.h"

namespace imagined::engine {

struct Flux1Plan final : FamilyPlan {
  Flux1Config transformer;
  ClipConfig clip;  // text_encoder
  T5Config t5;      // text_encoder_2
};

Result<ModelPlan> describe_flux1(ModelFiles& files);
Result<> check_flux1(const ModelPlan& plan);
Result<Networks> load_flux1(const Context& context, const ModelPlan& plan, NumberFormat format);
Result<std::vector<std::int32_t>> flux1_tokens(const std::filesystem::path& tokenizer,
                                               std::string_view prompt);

}  // namespace imagined::engine

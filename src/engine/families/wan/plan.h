#pragma once

#include "engine/families/family.h"
#include "engine/models/t5/t5_config.h"
#include "engine/models/wan/wan_config.h"
#include "engine/models/wan_vae/wan_vae_config.h"

namespace imagined::engine {

struct WanPlan final : FamilyPlan {
  WanConfig transformer;
  T5Config text_encoder;
  WanVaeConfig vae;
};

Result<ModelPlan> describe_wan(ModelFiles& files);
Result<> check_wan(const ModelPlan& plan);
Result<Networks> load_wan(const Context& context, const ModelPlan& plan, NumberFormat format);
Result<std::vector<std::int32_t>> wan_tokens(const std::filesystem::path& tokenizer,
                                             std::string_view prompt);

}  // namespace imagined::engine

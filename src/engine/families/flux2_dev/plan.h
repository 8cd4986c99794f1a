#pragma once

#include "engine/families/family.h"
#include "engine/models/flux2/flux2_config.h"
#include "engine/models/qwen3/qwen3_config.h"

namespace imagined::engine {

struct Flux2DevPlan final : FamilyPlan {
  Flux2Config transformer;
  Qwen3Config text_encoder;  // Mistral's
};

Result<ModelPlan> describe_flux2_dev(ModelFiles& files);
Result<> check_flux2_dev(const ModelPlan& plan);
Result<Networks> load_flux2_dev(const Context& context, const ModelPlan& plan, NumberFormat format);
Result<std::vector<std::int32_t>> flux2_dev_tokens(const std::filesystem::path& tokenizer,
                                                   std::string_view prompt);

}  // namespace imagined::engine

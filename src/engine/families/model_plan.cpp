#include "engine/families/model_plan.h"

#include <algorithm>

namespace imagined::engine {

const ModelPart& ModelPlan::part(std::string_view part_name) const {
  const auto found = std::find_if(parts.begin(), parts.end(), [&](const ModelPart& candidate) {
    return candidate.name == part_name;
  });
  CHECK(found != parts.end(), "the plan has no {}", part_name);
  return *found;
}

void ModelPlan::release_weights() {
  for (ModelPart& one : parts) {
    one.weights.reset();
    one.adapters.clear();
  }
}

}  // namespace imagined::engine

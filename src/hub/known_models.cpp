#include "hub/known_models.h"

#include <algorithm>

namespace imagined::hub {
namespace {

constexpr KnownModel kModels[] = {
    {"klein-4b", "black-forest-labs/FLUX.2-klein-4B", "four steps; free for any use", 4, {}},
    {"klein-base-4b", "black-forest-labs/FLUX.2-klein-base-4B",
     "before distillation; free for any use", 50, 4.0},
    {"klein-9b", "black-forest-labs/FLUX.2-klein-9B", "four steps; non-commercial", 4, {}},
    {"klein-base-9b", "black-forest-labs/FLUX.2-klein-base-9B",
     "before distillation; non-commercial", 50, 4.0},
    {"klein-9b-kv",
     "black-forest-labs/FLUX.2-klein-9b-kv",
     "four steps, references computed once; non-commercial",
     4,
     {}},
    {"flux2-dev", "black-forest-labs/FLUX.2-dev", "large; non-commercial", 50, 4.0},
    {"flux1-schnell", "black-forest-labs/FLUX.1-schnell", "four steps; free for any use", 4, {}},
    {"flux1-dev", "black-forest-labs/FLUX.1-dev", "non-commercial", 28, 3.5},
    {"flux1-kontext", "black-forest-labs/FLUX.1-Kontext-dev", "edits one picture; non-commercial",
     28, 2.5},
};

}  // namespace

std::span<const KnownModel> known_models() { return kModels; }

const KnownModel* find_known_model(std::string_view name) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const auto found = std::ranges::find_if(kModels, [&](const KnownModel& model) {
    return std::ranges::equal(model.name, name, {}, {}, lower);
  });
  return found == std::end(kModels) ? nullptr : &*found;
}

}  // namespace imagined::hub

// Names for the models that the engine runs, and where they are published.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace imagined::hub {

struct KnownModel {
  std::string_view name;  // "klein-4b"
  std::string_view repository;
  std::string_view about;          // half a line
  int steps = 0;                   // that its makers advise (flux.md 1.1, 1.2)
  std::optional<double> guidance;  // none: it has no use for it
};

std::span<const KnownModel> known_models();

/// By its name, in any case; null when there is none.
const KnownModel* find_known_model(std::string_view name);

}  // namespace imagined::hub

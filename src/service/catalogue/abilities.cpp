#include "service/catalogue/abilities.h"

#include <utility>

#include "base/check.h"

namespace imagined::service {
namespace {

constexpr std::pair<GuidanceUse, std::string_view> kWords[] = {
    {GuidanceUse::none, "none"},
    {GuidanceUse::true_passes, "true"},
    {GuidanceUse::embedded, "embedded"},
};

}  // namespace

std::string_view to_string(GuidanceUse use) {
  for (const auto& [value, word] : kWords)
    if (value == use) return word;
  CHECK(false, "no guidance use {}", static_cast<int>(use));
}

std::optional<GuidanceUse> parse_guidance_use(std::string_view text) {
  for (const auto& [value, word] : kWords)
    if (word == text) return value;
  return std::nullopt;
}

}  // namespace imagined::service

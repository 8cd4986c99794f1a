// What no policy can allow, whoever runs the server.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "service/moderation/lexicon.h"

namespace imagined::service {

/// Sexual content with minors, by OpenAI's name: the category of these rules and of a classifier.
inline constexpr std::string_view kFloorCategory = "sexual/minors";

/// Closed lists, small on purpose: words for the young together with sexual words, ages below 18
/// among the former, and the few terms that need no second. No list of harmless terms applies.
const Lexicon& floor_lexicon();
/// Its sexual words, which other rules go by too.
std::vector<std::string> sexual_terms();

}  // namespace imagined::service

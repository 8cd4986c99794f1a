#include "engine/engine.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "engine/families/families.h"
#include "engine/pipeline/memory.h"
#include "engine/pipeline/pipeline.h"

namespace imagined::engine {

Result<image::Picture> Engine::generate(const GenerateRequest& request, const Observer& observer,
                                        std::stop_token stop) {
  image::Picture picture;
  TRY(generate_batch(request,
                     Batch{.seeds = {request.seed},
                           .watch = [&](int) { return observer; },
                           .take = [&](int, image::Picture made) -> Result<> {
                             picture = std::move(made);
                             return {};
                           }},
                     std::move(stop)));
  return picture;
}

Result<> check_loadable(const LoadOptions& options) {
  return without_bad_alloc([&]() -> Result<> {
    TRY(Pipeline::plan(options));
    return {};
  });
}

namespace {

constexpr std::array<std::pair<std::string_view, Precision>, 3> kPrecisions = {
    {{"f32", Precision::f32}, {"bf16", Precision::bf16}, {"int8", Precision::int8}}};

}  // namespace

std::string_view to_string(Precision precision) {
  return std::ranges::find(kPrecisions, precision, &decltype(kPrecisions)::value_type::second)
      ->first;
}

Precision precision_of(std::string_view word) {
  const auto* const found =
      std::ranges::find(kPrecisions, word, &decltype(kPrecisions)::value_type::first);
  CHECK(found != kPrecisions.end(), "no precision {}", word);
  return found->second;
}

std::string_view to_string(GuidanceUse use) {
  switch (use) {
    case GuidanceUse::none:
      return "none";
    case GuidanceUse::two_passes:
      return "true";
    case GuidanceUse::embedded:
      return "embedded";
  }
  CHECK(false, "no guidance use {}", static_cast<int>(use));
}

std::string model_card(const std::filesystem::path& path) { return card_text(path); }

}  // namespace imagined::engine

// What pictures of a model take on this machine: memory, and how long.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/json_text.h"
#include "cli/machine.h"
#include "config/config.h"
#include "engine/lab/lab.h"

namespace imagined::cli {

/// Sides of the square pictures that commands speak of.
inline constexpr std::array<int, 3> kEstimatedSides = {512, 1024, 2048};

struct SizeEstimate {
  int side = 0;  // pixels
  engine::PictureCost cost;
  double seconds = 0;
};

/// Videos of 5 seconds that commands speak of, for models that make any.
inline constexpr std::array<std::pair<int, int>, 2> kEstimatedClips = {{{848, 480}, {1280, 720}}};
inline constexpr int kEstimatedClipSeconds = 5;

struct ClipEstimate {
  int width = 0;  // pixels
  int height = 0;
  engine::PictureCost cost;
  double seconds = 0;
};

/// Seconds of a picture by its arithmetic and the rate of bare products: a little low, for norms,
/// softmax and what is read from the disk are not counted.
double counted_seconds(const engine::PictureCost& cost, const engine::ProductRates& rates);

/// Seconds of a picture from a bench of one step of another size: each stage takes as much longer
/// as it has more arithmetic.
double scaled_seconds(const engine::BenchReport& bench, const engine::PictureCost& cost);

/// A picture of the steps and guidance that the model is offered with.
engine::GenerateRequest usual_request(const config::ModelSettings& model, int side);

/// The cost of each of kEstimatedSides. Errors: those of Engine::cost.
Result<std::vector<SizeEstimate>> estimate_sizes(const engine::Engine& engine,
                                                 const config::ModelSettings& model);

/// The cost of each of kEstimatedClips; nothing for a model that makes none. Errors: those of
/// Engine::cost.
Result<std::vector<ClipEstimate>> estimate_clips(const engine::Engine& engine,
                                                 const config::ModelSettings& model);

/// "1.3 GiB to work in, about 4.5 s", or that it does not fit.
std::string estimate_text(const engine::PictureCost& cost, double seconds, const Memory& memory);
JsonText estimate_json(const SizeEstimate& estimate, const Memory& memory);
JsonText estimate_json(const ClipEstimate& estimate, const Memory& memory);
/// "848 x 480, 5 s".
std::string clip_text(const ClipEstimate& estimate);

/// Whether what is read in place stays in the page cache from one step to the next, said with all
/// that it is said of; empty where nothing is read in place.
std::string page_cache_text(const SizeEstimate& estimate, const Memory& memory);

double gib(std::int64_t bytes);

}  // namespace imagined::cli

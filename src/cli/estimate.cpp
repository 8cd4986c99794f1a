#include "cli/estimate.h"

#include <fmt/format.h>

namespace imagined::cli {

double gib(std::int64_t bytes) { return static_cast<double>(bytes) / (1 << 30); }

double counted_seconds(const engine::PictureCost& cost, const engine::ProductRates& rates) {
  return cost.step_gflop * cost.steps / rates.blocks +
         (cost.text_encode_gflop + cost.decode_gflop) / rates.others;
}

double scaled_seconds(const engine::BenchReport& bench, const engine::PictureCost& cost) {
  double seconds = 0;
  for (const engine::StageReport& stage : bench.stages) {
    const double of_picture = stage.seconds * stage.count;
    if (stage.stage == "step") {
      seconds += of_picture * cost.steps * cost.step_gflop / stage.gflop;
    } else if (stage.stage == "decode") {
      seconds += of_picture * cost.decode_gflop / stage.gflop;
    } else {
      seconds += of_picture;
    }
  }
  return seconds;
}

engine::GenerateRequest usual_request(const config::ModelSettings& model, int side) {
  return {.prompt = "a red house on the beach at sunset",
          .width = side,
          .height = side,
          .steps = model.steps,
          .guidance = model.guidance};
}

Result<std::vector<SizeEstimate>> estimate_sizes(const engine::Engine& engine,
                                                 const config::ModelSettings& model) {
  std::vector<SizeEstimate> sizes;
  for (const int side : kEstimatedSides)
    sizes.push_back({.side = side, .cost = TRY(engine.cost(usual_request(model, side)))});
  return sizes;
}

Result<std::vector<ClipEstimate>> estimate_clips(const engine::Engine& engine,
                                                 const config::ModelSettings& model) {
  std::vector<ClipEstimate> clips;
  const int speed = engine.summary().clip_frames_per_second;
  if (speed == 0) return clips;
  for (const auto& [width, height] : kEstimatedClips) {
    const engine::ClipRequest request{.prompt = usual_request(model, height).prompt,
                                      .first_frame = {},
                                      .width = width,
                                      .height = height,
                                      .frames = kEstimatedClipSeconds * speed,
                                      .steps = model.steps,
                                      .guidance = model.guidance};
    clips.push_back({.width = width, .height = height, .cost = TRY(engine.cost(request))});
  }
  return clips;
}

std::string clip_text(const ClipEstimate& estimate) {
  return fmt::format("{} x {}, {} s", estimate.width, estimate.height, kEstimatedClipSeconds);
}

std::string estimate_text(const engine::PictureCost& cost, double seconds, const Memory& memory) {
  const std::int64_t needed = cost.working_bytes;
  if (needed > memory.total_bytes)
    return fmt::format("{:.1f} GiB to work in, which this machine has not: refused", gib(needed));
  if (needed > memory.free_bytes)
    return fmt::format("{:.1f} GiB to work in, which are not free now: refused until they are",
                       gib(needed));
  return fmt::format("{:.1f} GiB to work in, about {:.{}f} s", gib(needed), seconds,
                     seconds < 10 ? 1 : 0);
}

JsonText estimate_json(const SizeEstimate& estimate, const Memory& memory) {
  return JsonText::object({{"side", estimate.side},
                           {"working_bytes", estimate.cost.working_bytes},
                           {"fits", estimate.cost.working_bytes <= memory.free_bytes},
                           {"seconds", estimate.seconds}});
}

JsonText estimate_json(const ClipEstimate& estimate, const Memory& memory) {
  return JsonText::object({{"width", estimate.width},
                           {"height", estimate.height},
                           {"clip_seconds", kEstimatedClipSeconds},
                           {"working_bytes", estimate.cost.working_bytes},
                           {"fits", estimate.cost.working_bytes <= memory.free_bytes},
                           {"seconds", estimate.seconds}});
}

std::string page_cache_text(const SizeEstimate& estimate, const Memory& memory) {
  const engine::PictureCost& cost = estimate.cost;
  if (cost.step_bytes == 0) return {};
  const bool stays = cost.step_bytes + cost.working_bytes <= memory.free_bytes;
  return fmt::format(
      "a new prompt reads {:.1f} GiB of weights and every step {:.1f}, which {} ({:.1f} GiB are "
      "free)",
      gib(cost.text_encode_bytes), gib(cost.step_bytes),
      stays ? "stay in memory from step to step" : "do not fit: parts come from the disk each time",
      gib(memory.free_bytes));
}

}  // namespace imagined::cli

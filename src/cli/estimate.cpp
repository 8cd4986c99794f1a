#include "cli/estimate.h"

#include <algorithm>

namespace imagined::cli {

double estimate_seconds(const engine::BenchReport& bench, double bench_pixels, double pixels,
                        int steps) {
  const engine::ModelSummary& model = bench.model;
  // Larger pictures are made at the model's own area and enlarged.
  if (model.native_pixels > 0) pixels = std::min(pixels, static_cast<double>(model.native_pixels));
  const double token_pixels = static_cast<double>(model.pixels_per_token) * model.pixels_per_token;
  const auto tokens = [&](double area) { return model.max_prompt_tokens + area / token_pixels; };
  double seconds = 0;
  for (const engine::StageReport& stage : bench.stages) {
    const double of_picture = stage.seconds * stage.count;
    if (stage.stage == "step") {
      seconds += of_picture * steps * tokens(pixels) / tokens(bench_pixels);
    } else if (stage.stage == "decode" || stage.stage == "finish") {
      seconds += of_picture * pixels / bench_pixels;
    } else {
      seconds += of_picture;
    }
  }
  return seconds;
}

}  // namespace imagined::cli

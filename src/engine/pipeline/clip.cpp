// Clips: passes of frames, each after the last frame of the one before.
#include <algorithm>
#include <utility>

#include "engine/pipeline/on_grid.h"
#include "engine/pipeline/picture_size.h"
#include "engine/pipeline/pipeline.h"

namespace imagined::engine {

std::vector<std::int64_t> Pipeline::passes_of(const ClipRequest& request) const {
  const std::int64_t of_a_pass = model_.sampling.clips.frames - 1;  // that are made
  const std::int64_t per_latent = networks_.vae->frames_per_latent();
  std::vector<std::int64_t> latents;
  for (std::int64_t left = request.frames - 1; left > 0; left -= of_a_pass) {
    // A model with frames in each latent makes as many as are wanted, any other its own number.
    latents.push_back(per_latent == 1 ? of_a_pass
                                      : (std::min(left, of_a_pass) + per_latent - 1) / per_latent);
  }
  return latents;
}

Result<> Pipeline::animate(const ClipRequest& request, const ClipObserver& observer,
                           RunObserver run) {
  TRY(check_clip(request));
  const PicturePlan plan = TRY(plan_picture(request.width, request.height, size_rule()));
  RunInputs inputs = TRY(prepare(
      {.prompt = request.prompt, .steps = request.steps, .guidance = request.guidance}, plan));
  const std::int64_t of_a_pass = model_.sampling.clips.frames - 1;  // that are made
  const std::vector<std::int64_t> latents = passes_of(request);
  inputs.clip_frames = latents.empty() ? 0 : latents.front();
  TRY(check_memory(plan, inputs));
  // Where latents hold several frames, the first pass of a prompt alone makes the first one, too.
  const bool at_once =
      !request.first_frame && networks_.vae->frames_per_latent() > 1 && !latents.empty();
  const int stills = request.first_frame || at_once ? 0 : 1;
  const auto passes = static_cast<int>(latents.size()) + stills;
  int passes_done = 0;
  run.watch.on_progress = [&](Progress done) {
    if (observer.on_progress)
      observer.on_progress(
          {.step = passes_done * done.steps + done.step, .steps = passes * done.steps});
  };
  std::int64_t to_make = request.frames;
  if (!at_once) {
    inputs.clip_frames = 0;
    inputs.references = {TRY(first_frame(request, inputs, plan, run))};
    TRY(observer.take(finish(inputs.references.front().pixels, plan)));
    passes_done = stills;
    --to_make;
  }
  for (const std::int64_t frames : latents) {
    const std::int64_t first = inputs.references.empty() ? 1 : 0;
    inputs.clip_frames = first + frames;
    // The frames below each other; another seed than the picture's, whose noise it would repeat.
    draw_noise(inputs, request.seed + static_cast<std::uint64_t>(passes_done));
    TRY(animate_pass(inputs, std::min(to_make, first + of_a_pass), observer, plan, run));
    to_make -= first + of_a_pass;
    ++passes_done;
  }
  return {};
}

Result<image::Picture> Pipeline::first_frame(const ClipRequest& request, RunInputs& inputs,
                                             const PicturePlan& plan, const RunObserver& run) {
  if (request.first_frame)
    return lay_on_grid(context_, request.first_frame->view(), plan, model_.pixels_per_token);
  draw_noise(inputs, request.seed);
  return on_grid(inputs, to_pixels(TRY(this->run(inputs, run))));
}

image::Picture Pipeline::on_grid(const RunInputs& inputs, std::vector<std::uint8_t> pixels) const {
  const auto side = static_cast<int>(model_.pixels_per_token);
  return {.width = static_cast<int>(inputs.cols) * side,
          .height = static_cast<int>(inputs.rows) * side,
          .channels = 3,
          .pixels = std::move(pixels)};
}

Result<> Pipeline::animate_pass(RunInputs& inputs, std::int64_t wanted,
                                const ClipObserver& observer, const PicturePlan& plan,
                                const RunObserver& run) {
  const Tensor latents = TRY(sample(inputs, run, {}));
  std::vector<std::uint8_t> last;
  const auto take = [&](ConstMatrixView frame) -> Result<bool> {
    last = to_pixels(frame);
    TRY(observer.take(finish(last, plan)));
    return --wanted > 0;
  };
  TRY(decode_clip(latents, inputs, run, take));
  inputs.references = {on_grid(inputs, std::move(last))};
  return {};
}

}  // namespace imagined::engine

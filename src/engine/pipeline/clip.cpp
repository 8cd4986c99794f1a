// Clips: passes of frames, each after the last frame of the one before.
#include <algorithm>
#include <utility>

#include "engine/ops/convert/convert.h"
#include "engine/pipeline/on_grid.h"
#include "engine/pipeline/picture_size.h"
#include "engine/pipeline/pipeline.h"

namespace imagined::engine {

std::vector<Pipeline::ClipPass> Pipeline::passes_of(const ClipRequest& request) const {
  const ClipTraining& clips = model_.sampling.clips;
  const std::int64_t of_a_pass = clips.frames - 1;  // that are made
  const std::int64_t per_latent = networks_.vae->frames_per_latent();
  std::vector<ClipPass> passes;
  for (std::int64_t left = request.frames - 1; left > 0; left -= of_a_pass) {
    // A model with frames in each latent makes as many as are wanted, any other its own number.
    passes.push_back({.latents = per_latent == 1
                                     ? of_a_pass
                                     : (std::min(left, of_a_pass) + per_latent - 1) / per_latent,
                      .runs = std::min(left, clips.stride)});
  }
  return passes;
}

Result<> Pipeline::animate(const ClipRequest& request, const ClipObserver& observer,
                           RunObserver run) {
  TRY(check_clip(request));
  const PicturePlan plan = TRY(plan_picture(request.width, request.height, size_rule()));
  RunInputs inputs = TRY(prepare(
      {.prompt = request.prompt, .steps = request.steps, .guidance = request.guidance}, plan));
  const ClipTraining& clips = model_.sampling.clips;
  const std::vector<ClipPass> passes = passes_of(request);
  inputs.clip_frames = passes.empty() ? 0 : passes.front().latents / clips.stride;
  TRY(check_memory(plan, inputs));
  // Where latents hold several frames, the first pass of a prompt alone makes the first one, too.
  const bool at_once =
      !request.first_frame && networks_.vae->frames_per_latent() > 1 && !passes.empty();
  std::int64_t runs = request.first_frame || at_once ? 0 : 1;
  for (const ClipPass& pass : passes) runs += pass.runs;
  std::int64_t runs_done = 0;
  run.watch.on_progress = [&](Progress done) {
    if (observer.on_progress)
      observer.on_progress({.step = static_cast<int>(runs_done) * done.steps + done.step,
                            .steps = static_cast<int>(runs) * done.steps});
  };
  std::int64_t to_make = request.frames;
  if (!at_once) {
    inputs.clip_frames = 0;
    inputs.references = {TRY(first_frame(request, inputs, plan, run))};
    TRY(observer.take(finish(inputs.references.front().pixels, plan)));
    if (!request.first_frame) ++runs_done;
    --to_make;
  }
  for (ClipPass pass : passes) {
    const std::int64_t first = inputs.references.empty() ? 1 : 0;
    pass.latents += first;
    const std::int64_t wanted = std::min(to_make, first + clips.frames - 1);
    const Tensor latents = TRY(sample_pass(inputs, pass, request.seed, runs_done, run));
    TRY(take_frames(latents, inputs, wanted, observer, plan, run));
    to_make -= wanted;
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

Result<Tensor> Pipeline::sample_pass(RunInputs& inputs, const ClipPass& pass, std::uint64_t seed,
                                     std::int64_t& runs_done, const RunObserver& run) {
  const std::int64_t tokens = inputs.rows * inputs.cols;
  inputs.clip_stride = model_.sampling.clips.stride;
  inputs.clip_frames = pass.latents / inputs.clip_stride;
  Tensor latents(pass.latents * tokens, networks_.transformer->channels());
  for (std::int64_t first = 0; first < pass.runs; ++first) {
    inputs.clip_first = 1 + first;
    // The frames below each other; another seed than the picture's, whose noise it would repeat.
    draw_noise(inputs, seed + static_cast<std::uint64_t>(runs_done));
    const Tensor made = TRY(sample(inputs, run, {}));
    for (std::int64_t i = 0; i < inputs.clip_frames; ++i)
      convert(context_, made.view().row_range(i * tokens, tokens),
              latents.view().row_range((first + i * inputs.clip_stride) * tokens, tokens));
    ++runs_done;
  }
  return latents;
}

Result<> Pipeline::take_frames(const Tensor& latents, RunInputs& inputs, std::int64_t wanted,
                               const ClipObserver& observer, const PicturePlan& plan,
                               const RunObserver& run) {
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

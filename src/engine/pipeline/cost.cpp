// What a picture or a clip takes of a machine.
#include <fmt/core.h>

#include <algorithm>

#include "engine/pipeline/picture_size.h"
#include "engine/pipeline/pipeline.h"

namespace imagined::engine {
namespace {

// The program itself, features of other prompts, tokenizers.
constexpr std::int64_t kOtherBytes = 96 << 20;

/// Bytes of weights.
std::int64_t read_in_place(std::span<const MappedNetwork> networks) {
  std::int64_t bytes = 0;
  for (const MappedNetwork& network : networks) bytes += network.bytes;
  return bytes;
}

}  // namespace

bool Pipeline::fits_together() const {
  return memory_ && read_in_place(networks_.mapped) <= memory_().free_bytes;
}

PictureCost Pipeline::cost(const PicturePlan& plan, const RunInputs& inputs) const {
  const std::int64_t side = model_.pixels_per_token;
  const Autoencoder& vae = *networks_.vae;
  const bool clip = inputs.clip_frames > 0;
  const std::int64_t frames = clip ? inputs.clip_frames : 1;
  TokenCounts tokens{.text = model_.text.max_tokens,
                     .picture = plan.token_rows * plan.token_cols * frames};
  if (clip) tokens.references = plan.token_rows * plan.token_cols;  // the frame before them
  std::int64_t decode_bytes = clip ? vae.clip_bytes(plan.token_rows, plan.token_cols)
                                   : vae.decode_bytes(plan.token_rows, plan.token_cols);
  for (const image::Picture& picture : inputs.references) {
    const std::int64_t rows = picture.height / side;
    const std::int64_t cols = picture.width / side;
    tokens.references += rows * cols;
    decode_bytes = std::max(decode_bytes, vae.decode_bytes(rows, cols));  // or to encode
  }
  const WorkCost encode = networks_.prompts->cost();
  const WorkCost step = networks_.transformer->step_cost(tokens, inputs.steps);
  const double decode = clip ? vae.clip_flop(plan.token_rows, plan.token_cols)
                             : vae.decode_flop(plan.token_rows, plan.token_cols);
  const std::int64_t finished = 3 * static_cast<std::int64_t>(plan.width) * plan.height;
  return {
      .working_bytes = std::max({encode.bytes, step.bytes, decode_bytes}) + finished + kOtherBytes,
      .text_encode_bytes = read_in_place(networks_.encoders()),
      .step_bytes = read_in_place(networks_.others()),
      .text_encode_gflop = encode.flop * 1e-9,
      .step_gflop = step.flop * 1e-9 * (uses_true_guidance(inputs.guidance) ? 2 : 1),
      .decode_gflop = decode * 1e-9,
      .steps = inputs.steps};
}

Result<PictureCost> Pipeline::cost(const GenerateRequest& request) const {
  const PicturePlan plan = TRY(plan_picture(request.width, request.height, size_rule()));
  return cost(plan, TRY(prepare(request, plan)));
}

Result<PictureCost> Pipeline::cost(const ClipRequest& request) const {
  TRY(check_clip(request));
  const PicturePlan plan = TRY(plan_picture(request.width, request.height, size_rule()));
  RunInputs inputs = TRY(prepare(
      {.prompt = request.prompt, .steps = request.steps, .guidance = request.guidance}, plan));
  const Autoencoder& vae = *networks_.vae;
  PictureCost sum;
  for (const ClipPass& pass : passes_of(request)) {
    inputs.clip_frames = pass.latents / model_.sampling.clips.stride;
    const PictureCost run = cost(plan, inputs);
    if (sum.steps == 0)
      sum = {run.working_bytes, run.text_encode_bytes, run.step_bytes, run.text_encode_gflop};
    const int steps = run.steps * static_cast<int>(pass.runs);
    sum.steps += steps;
    sum.step_gflop += run.step_gflop * steps;
    sum.decode_gflop += run.decode_gflop * static_cast<double>(pass.latents) +
                        vae.encode_flop(plan.token_rows, plan.token_cols) * 1e-9;
    if (vae.frames_per_latent() > 1)
      sum.decode_gflop += vae.decode_flop(plan.token_rows, plan.token_cols) * 1e-9;
  }
  if (sum.steps > 0) sum.step_gflop /= sum.steps;
  return sum;
}

Result<> Pipeline::check_memory(const PicturePlan& plan, const RunInputs& inputs) const {
  if (!memory_) return {};
  const MachineMemory memory = memory_();
  const std::int64_t needed = cost(plan, inputs).working_bytes;
  const bool never = needed > memory.total_bytes;
  if (!never && needed <= memory.free_bytes) return {};
  const auto gib = [](std::int64_t bytes) { return static_cast<double>(bytes) / (1 << 30); };
  const std::string text = fmt::format(
      "{} of {} x {} pixels needs about {:.1f} GiB of memory beside the weights; this machine has "
      "{:.1f}, of which {:.1f} are free",
      inputs.clip_frames == 0 ? "a picture" : "a clip", plan.width, plan.height, gib(needed),
      gib(memory.total_bytes), gib(memory.free_bytes));
  if (never) return fail(ErrorCode::invalid_argument, text, "size");
  return fail(ErrorCode::resource_exhausted, text, "size");
}

}  // namespace imagined::engine

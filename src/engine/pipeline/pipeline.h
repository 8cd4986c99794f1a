// From a prompt to a picture: the one place that knows in which order the networks are used.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/backend/context.h"
#include "engine/engine.h"
#include "engine/families/families.h"
#include "engine/models/common/activation_pool.h"
#include "engine/models/common/transformer.h"
#include "engine/pipeline/picture_size.h"
#include "engine/pipeline/recent.h"
#include "engine/pipeline/stage_log.h"

namespace imagined::engine {

/// What stays of a picture while the rest is made anew.
struct KeptPicture {
  image::Picture picture;      // RGB, as large as the grid
  image::Picture given;        // RGB, as large as the finished picture
  std::vector<float> repaint;  // per token: 1 is made anew, 0 stays
};

/// Everything a run depends on, after sizes, texts and pictures were brought into shape.
struct RunInputs {
  PromptIds prompt;
  PromptIds negative;  // of the negative prompt; read with true guidance only
  Tensor noise;        // [rows * cols, channels] f32; of a clip frame by frame
  /// As large: what is laid on the latents after step 1, 2, ...; of solvers that do (Solver::dmd).
  std::function<Tensor(int draw)> fresh_noise;
  std::int64_t rows = 0;  // of the token grid
  std::int64_t cols = 0;
  /// Latent ones that are made, behind the only reference where there is one; 0: a picture.
  std::int64_t clip_frames = 0;
  std::int64_t clip_first = 1;   // see DenoiseRequest
  std::int64_t clip_stride = 1;  // the same
  int steps = 0;
  float guidance = 1;
  std::vector<image::Picture> references;  // fitted: RGB, sides multiples of the pixels per token
  std::optional<KeptPicture> kept;
};

/// What a run passed through, for comparison with a recorded one.
struct RunTrace {
  Tensor prompt_embeds;
  std::vector<float> pooled_prompt_embeds;  // empty where the family has none
  Tensor negative_prompt_embeds;            // empty without true guidance
  std::vector<Tensor> reference_latents;
  std::vector<float> sigmas;
  std::vector<Tensor> velocities;
  Tensor latents;  // after the last step
};

/// Who is told about a run, and who may end it.
struct RunObserver {
  Observer watch;
  std::stop_token stop;
  RunTrace* trace = nullptr;
  StageLog* log = nullptr;
};

/// What networks of that precision keep their numbers in on this machine.
NumberFormat number_format(Precision precision, const CpuFeatures& cpu);

class Pipeline {
 public:
  /// Opens and loads a model; errors as Engine::load.
  static Result<std::unique_ptr<Pipeline>> open(const LoadOptions& options);
  /// What `open` would load: the device, the processor and the model's files are there.
  static Result<ModelPlan> plan(const LoadOptions& options);
  /// Loads the networks of a model whose configuration was read already.
  static Result<std::unique_ptr<Pipeline>> load(ModelPlan model, Precision precision,
                                                LongPrompt long_prompt,
                                                const ContextOptions& options,
                                                std::function<MachineMemory()> memory = {});

  const ModelPlan& model() const { return model_; }
  ModelSummary summary() const;
  const Networks& networks() const { return networks_; }
  const Context& context() const { return context_; }

  /// How a request will be read, without running a network.
  RequestReading read(const GenerateRequest& request) const;

  /// What a picture of a request takes; see Engine::cost.
  Result<PictureCost> cost(const GenerateRequest& request) const;
  Result<PictureCost> cost(const ClipRequest& request) const;

  /// Checks a request, makes its pictures one by one, crops and enlarges them; the batch says who
  /// watches each. (All in one pass would read the weights once, but a decode is most of the time.)
  /// Errors: `invalid_argument` with the request's field; `cancelled`; `data_loss` when numbers are
  /// no longer finite, naming the stage.
  Result<> generate_batch(const GenerateRequest& request, const Batch& batch, RunObserver observer);

  /// Checks a request and makes its clip, as Engine::animate.
  Result<> animate(const ClipRequest& request, const ClipObserver& observer, RunObserver run);

  /// The networks alone. Returns the decoded picture, of a clip its last frame, [height * width, 3]
  /// f32, not clamped.
  Result<Tensor> run(const RunInputs& inputs, const RunObserver& observer);

  /// A reference brought into shape, RGB: for a model with a native area as a picture of its ratio
  /// is made, else at most 1024 * 1024 pixels, cut to whole tokens.
  /// Errors: `invalid_argument` for a picture that is too small or too narrow.
  Result<image::Picture> fit_reference_picture(const image::Picture& picture) const;

  /// Starting noise that was drawn elsewhere, as tokens for RunInputs::noise.
  /// planes  [channels / f^2, rows * f, cols * f], f = model().noise_fold.
  Tensor noise_from_planes(std::span<const float> planes, std::int64_t rows,
                           std::int64_t cols) const;

  /// What `run` returns as 8-bit RGB, row-major.
  std::vector<std::uint8_t> to_pixels(ConstMatrixView decoded) const;

  /// Two passes per step, with and without the prompt (flux.md 4.5).
  bool uses_true_guidance(float guidance) const;

  /// Forgets features of earlier prompts and references, so that a benchmark measures them.
  void forget();

 private:
  struct PictureKey {
    int width = 0;
    int height = 0;
    std::vector<std::uint8_t> pixels;
    bool operator==(const PictureKey&) const = default;
  };
  struct Steps;  // the state of one run's steps
  /// Takes a decoded preview, as `run` returns the picture itself.
  using TakePreview = std::function<void(const Tensor&)>;

  Pipeline(ModelPlan model, const ContextOptions& options);
  Result<std::shared_ptr<const TextFeatures>> text_features(const PromptIds& prompt,
                                                            const RunObserver& observer);
  Result<std::vector<ReferenceTokens>> encode_references(
      const std::vector<image::Picture>& pictures, const RunObserver& observer);
  Result<std::optional<KeptPicture>> prepare_kept(const GenerateRequest& request,
                                                  const PicturePlan& plan) const;
  /// What is left of the noise after all steps: as RunInputs::noise.
  Result<Tensor> sample(const RunInputs& inputs, const RunObserver& observer,
                        const TakePreview& on_preview);
  Result<> denoise(Steps& steps, Tensor& latents, const RunInputs& inputs,
                   const RunObserver& observer, const TakePreview& on_preview);
  /// latents  of one picture or frame.
  Result<Tensor> decode(ConstMatrixView latents, const RunInputs& inputs,
                        const RunObserver& observer);
  Result<> check_clip(const ClipRequest& request) const;
  struct ClipPass {
    std::int64_t latents = 0;  // frames in all, behind the one that is there
    std::int64_t runs = 1;     // that make them, or as many of them as are wanted
  };
  std::vector<ClipPass> passes_of(const ClipRequest& request) const;
  /// What a run steps through.
  Result<> plan_steps(const RunInputs& inputs, Steps& steps) const;
  /// The frames that follow the reference, one after the other, until `take` wants no more.
  Result<> decode_clip(const Tensor& latents, const RunInputs& inputs, const RunObserver& observer,
                       const std::function<Result<bool>(ConstMatrixView frame)>& take);
  /// The first frame on the whole grid: the given one, or what `run` makes of the prompt.
  Result<image::Picture> first_frame(const ClipRequest& request, RunInputs& inputs,
                                     const PicturePlan& plan, const RunObserver& run);
  image::Picture on_grid(const RunInputs& inputs, std::vector<std::uint8_t> pixels) const;
  /// The latents of a pass in the order of its frames. The n-th run of a clip takes the noise of
  /// seed + n.
  Result<Tensor> sample_pass(RunInputs& inputs, const ClipPass& pass, std::uint64_t seed,
                             std::int64_t& runs_done, const RunObserver& run);
  /// The first `wanted` frames of a pass; the last of them is where the next one begins.
  Result<> take_frames(const Tensor& latents, RunInputs& inputs, std::int64_t wanted,
                       const ClipObserver& observer, const PicturePlan& plan,
                       const RunObserver& run);
  /// Cropped, and enlarged where the model makes less than was asked for; its edges are made
  /// steeper before and after, where the model asks for that.
  /// pixels  of the whole grid.
  image::Picture finish(std::vector<std::uint8_t> pixels, const PicturePlan& plan) const;
  /// Whether what is given for an edit lies as the pictures do that are made (first frames of clips
  /// have their own way).
  bool lays_references_on_grid() const {
    return model_.sampling.native_pixels > 0 && model_.max_references > 0;
  }
  SizeRule size_rule() const {
    return {.pixels_per_token = model_.pixels_per_token,
            .native_pixels = model_.sampling.native_pixels};
  }
  /// Whether there is memory for the weights of all networks at once, as far as is known.
  bool fits_together() const;
  /// What a picture, or the frames of a pass together, on a grid of tokens takes; decoding is of
  /// one of them.
  PictureCost cost(const PicturePlan& plan, const RunInputs& inputs) const;
  /// See Engine::generate_batch.
  Result<> check_memory(const PicturePlan& plan, const RunInputs& inputs) const;
  /// Whether a request has a mask that leaves the whole picture as it is.
  bool keeps_all(const GenerateRequest& request) const;
  /// `invalid_argument` where a text is longer than the model reads and must not be cut.
  Result<> check_length(const std::string& text, std::string_view field) const;
  /// That of a picture or, where inputs.clip_frames says so, of frames.
  void draw_noise(RunInputs& inputs, std::uint64_t seed) const;
  /// All but the noise.
  Result<RunInputs> prepare(const GenerateRequest& request, const PicturePlan& plan) const;

  ModelPlan model_;
  LongPrompt long_prompt_ = LongPrompt::cut;
  Precision precision_ = Precision::bf16;
  std::function<MachineMemory()> memory_;
  Context context_;
  Networks networks_;
  TransformerWorkspace workspace_;
  ActivationPool pool_;
  Recent<PromptIds, TextFeatures> prompts_;
  Recent<PictureKey, Tensor> references_;
};

}  // namespace imagined::engine

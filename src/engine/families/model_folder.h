// Finds the parts of a model on disk and reads their configuration, without touching the weights'
// bytes. Three layouts are understood:
//
// 1. A diffusers folder: model_index.json beside transformer/, text_encoder/, vae/, tokenizer/ and
//    scheduler/ (sampling.json optional); FLUX.1 also has text_encoder_2/ and tokenizer_2/.
// 2. A single .safetensors or .gguf file with a transformer in the layout of Black Forest Labs (or
// with
//    diffusers' names). The other parts are looked for around it, in this order, first in the
//    file's own folder, then in its parent:
//      text encoder  text_encoder/ · text_encoders/qwen*.safetensors · qwen*.safetensors
//                    (FLUX.1: clip*, and for T5 text_encoder_2/ · text_encoders/t5* · t5*)
//      VAE           vae/ · vae/*.safetensors · ae.safetensors · *vae*.safetensors
//      tokenizer     tokenizer/ · tokenizer.json · the text encoder's folder
//                    (FLUX.1: tokenizer/ and tokenizer_2/)
//    so that a file in the root of a diffusers folder works, and one in ComfyUI's
//    split_files/diffusion_models too, once a tokenizer folder lies beside it (ComfyUI keeps the
//    tokenizer in its program). Weights found inside the file itself win. model_index.json,
//    scheduler/, sampling.json and a transformer/config.json of the same shapes are read where they
//    lie around the file; the rest comes from the tensors' shapes and the published models. Without
//    model_index.json, a name with `-base-` in it means the model before distillation.
// 3. A folder without weights in transformer/ that holds exactly one such file, or ComfyUI's
//    diffusion_models/ or split_files/diffusion_models/ with exactly one.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/families/scheduler_config.h"
#include "engine/models/clip/clip_config.h"
#include "engine/models/flux1/flux1_config.h"
#include "engine/models/flux2/flux2_config.h"
#include "engine/models/qwen3/qwen3_config.h"
#include "engine/models/t5/t5_config.h"
#include "engine/models/vae/vae_config.h"

namespace imagined::engine {

/// How prompts become features; keys of model_index.json that diffusers keeps as call arguments.
struct TextConfig {
  /// text_encoder_out_layers: the residual stream after that many layers, in this order, joined.
  /// 0 is the embedding; the last layer's tap includes the final norm, as in transformers.
  std::vector<std::int64_t> taps = {9, 18, 27};
  std::int64_t max_tokens = 0;  // max_sequence_length; 0: as the family's published models
  bool pad = true;              // text_padding "none" switches it off
};

/// What a model is run with unless the request says otherwise; sampling.json where there is one.
struct SamplingDefaults {
  std::int64_t steps = 4;
  double guidance = 1;          // guidance_scale; 1 switches it off
  std::optional<double> shift;  // replaces the scheduler's static shift
  std::int64_t native_pixels =
      0;  // larger pictures are made at this area and enlarged; 0: no limit
};

/// What a request's guidance does.
enum class GuidanceUse : std::uint8_t {
  none,        // nothing: the model was distilled with it
  two_passes,  // a pass with the prompt and one without, wherever guidance is above 1
  embedded,    // one pass, which is told
};

inline constexpr std::string_view kFlux2Klein = "flux2-klein";
inline constexpr std::string_view kFlux1 = "flux1";

/// A model's parts. The weight paths fit WeightSource::open; the tokenizers' fit the load functions
/// of engine/tokenizers.
struct ModelFolder {
  std::string name;    // of the folder or of the file, without its path
  std::string family;  // kFlux2Klein or kFlux1
  bool distilled = false;
  bool cached_references = false;  // see Flux2Config
  GuidanceUse guidance = GuidanceUse::none;
  std::int64_t max_references = 8;
  /// Side of the square of latents that makes up a token of the noise as it is drawn.
  std::int64_t noise_fold = 1;

  std::filesystem::path transformer;
  std::filesystem::path text_encoder;    // Qwen3; CLIP in FLUX.1
  std::filesystem::path text_encoder_2;  // T5, in FLUX.1 only
  std::filesystem::path vae;
  std::filesystem::path tokenizer;
  std::filesystem::path tokenizer_2;

  Flux2Config flux2;
  Qwen3Config qwen3;
  Flux1Config flux1;
  ClipConfig clip;
  T5Config t5;
  VaeConfig vae_config;
  SchedulerConfig scheduler;
  TextConfig text;
  SamplingDefaults sampling;
};

/// The parts fit together: taps * hidden size is the transformer's context width, 4 * latent
/// channels are its channels. `invalid_argument` says which do not.
Result<> check_parts(const ModelFolder& model);

/// Reads a model's configuration and checks the parts by themselves (the RoPE axes sum up to the
/// head width, the norm groups divide every width, pixels_per_token agrees with the VAE) and
/// against each other, as check_parts.
/// Unknown keys are ignored; a missing key, a wrong type or an impossible value is
/// `invalid_argument` and names file and key; a missing file is `not_found`; another pipeline or an
/// option without implementation is `unimplemented` and names it.
Result<ModelFolder> open_model(const std::filesystem::path& path);

/// Only the tokenizer of a model: what open_model would put into `tokenizer`, found without reading
/// any other part. A folder that is itself a tokenizer folder will do too.
Result<std::filesystem::path> find_tokenizer(const std::filesystem::path& path);

/// model_index.json: fills in `distilled`, `guidance`, `text` and what the pipeline's class says;
/// the classes of the parts must be known ones.
Result<> parse_model_index(std::string_view json, ModelFolder& model);
/// sampling.json: fills in `sampling`; `vae_config` is asked for the pixels of a token.
Result<> parse_sampling(std::string_view json, ModelFolder& model);

}  // namespace imagined::engine

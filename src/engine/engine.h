// The engine's one public face: load a model, generate pictures, watch and stop the work.
//
// The engine prints nothing, opens no socket, reads no clock and takes its seed as an argument.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/picture.h"

namespace imagined::engine {

enum class Precision : std::uint8_t {
  f32,   // activations in f32, weights as stored in the file
  bf16,  // weights in bf16; products in bf16 where the machine has one, else in f32
  int8,  // as bf16, but the products of a transformer's blocks in whole numbers of eight bits
};

/// "f32", "bf16" or "int8".
std::string_view to_string(Precision precision);
/// One of these words; others are our bug: CHECK fails.
Precision precision_of(std::string_view word);

/// A file that changes what a model draws, and how strongly.
struct LoraChoice {
  std::filesystem::path path;
  float scale = 1;
};

/// What a user says about a model beside where it lies; it wins over everything that is found.
struct ModelChoices {
  /// "transformer", "text_encoder", "text_encoder_2", "vae", "tokenizer", "tokenizer_2" to a file,
  /// an index of shards or a folder.
  std::map<std::string, std::filesystem::path, std::less<>> parts;
  std::optional<bool> distilled;
  std::optional<bool> cached_references;
  std::vector<LoraChoice> loras;  // LoRA, DoRA or LoKr of the transformer; all of them count
};

/// What becomes of a prompt that is longer than the model reads.
enum class LongPrompt : std::uint8_t { cut, refuse };

/// Of the machine, or of the group of processes that we belong to where that may have less.
struct MachineMemory {
  std::int64_t total_bytes = 0;
  std::int64_t free_bytes = 0;  // with what the page cache would give back
};

struct LoadOptions {
  std::filesystem::path path;  // a diffusers folder, or a single .safetensors or .gguf file
  ModelChoices choices;
  LongPrompt long_prompt = LongPrompt::cut;
  Precision precision = Precision::bf16;
  int threads = 0;              // 0: all cores that this process may use
  std::string device = "cpu";   // "cpu" or "cuda:N"
  std::string implementations;  // see ContextOptions; for tests and benchmarks
  /// Asked before each request; empty: nothing is refused because it would not fit.
  std::function<MachineMemory()> memory;
};

/// What a request's guidance does.
enum class GuidanceUse : std::uint8_t {
  none,        // nothing: the model was distilled with it
  two_passes,  // a pass with the prompt and one without, wherever guidance is above 1
  embedded,    // one pass, which is told
};

/// "none", "true" or "embedded".
std::string_view to_string(GuidanceUse use);

/// One part of a model: "transformer", "vae", ...
struct ModelFile {
  std::string part;
  std::filesystem::path path;
  std::string why;  // it was taken
};

/// What a model says about itself; read from its files, never assumed.
struct ModelSummary {
  std::string name;    // folder or file name
  std::string family;  // "flux2-klein", "flux1", "wan", ...
  Precision precision = Precision::bf16;
  std::int64_t parameters = 0;
  std::int64_t weight_bytes = 0;  // held in memory of their own once loaded
  std::int64_t mapped_bytes = 0;  // read where the files hold them: memory of the page cache
  int pixels_per_token = 16;
  std::int64_t native_pixels =
      0;  // larger pictures are made at this area and enlarged; 0: no limit
  int max_prompt_tokens = 512;
  int default_steps = 4;
  float default_guidance = 1;
  GuidanceUse guidance = GuidanceUse::none;
  int max_references = 0;          // reference pictures that a request may bring
  bool inpaints = false;           // takes a mask: can keep a part of a picture as it is
  int clip_frames_per_second = 0;  // that it was trained to make; 0: it makes no clips
  bool distilled = true;
  std::string distilled_by;        // who says so: "model_index.json", "the configuration", ...
  bool cached_references = false;  // references are looked at once, in the first step
  std::string cached_references_by;
  std::vector<ModelFile> files;
  std::vector<std::string> notes;  // what was decided on the way that its user should know
  std::string card;                // what the model is, in its own words; may be empty
  std::vector<std::string> draws;  // the nouns that it draws, where it says so
};

/// Of each side of a reference picture, and of a first frame, as they are given.
inline constexpr int kReferenceSidePxMin = 64;
inline constexpr int kReferenceRatioMax = 8;  // of the longer side to the shorter one

struct GenerateRequest {
  std::string prompt;
  std::string negative_prompt;  // what to keep away from; read with true guidance only
  int width = 1024;             // pixels of the finished picture; any size >= 64
  int height = 1024;
  int steps = 0;  // 0: the model's default
  std::optional<float> guidance;
  std::uint64_t seed = 0;                  // of one picture; a batch has its own
  std::vector<image::Picture> references;  // 0 to 8, RGB or RGBA, of sizes as above
  /// What of the first reference is made anew: what is white, or of RGBA what is transparent. The
  /// rest stays as it is, at the size of the picture, which had best have its shape.
  std::optional<image::Picture> mask;
};

/// What a picture takes, counted from the shapes of the networks, none of which runs for it.
struct PictureCost {
  /// Of this process, beside the weights, where most is needed at once.
  std::int64_t working_bytes = 0;
  /// Of the weights that stay in their files: what a new prompt reads, and what every step reads,
  /// which comes from the disk again each time where it does not fit into free memory.
  std::int64_t text_encode_bytes = 0;
  std::int64_t step_bytes = 0;
  double text_encode_gflop = 0;
  double step_gflop = 0;  // of each step, both passes of true guidance
  double decode_gflop = 0;
  int steps = 0;
};

/// What a request comes to, known before any network runs.
struct RequestReading {
  std::int64_t prompt_tokens = 0;  // of the whole prompt, with what the model puts around it
  std::int64_t tokens_read = 0;    // as many of them as the model takes
  /// What the model leaves unread or without effect, each a sentence for whoever asked.
  std::vector<std::string> warnings;
};

struct Progress {
  int step = 0;  // finished steps
  int steps = 0;
};

/// Who is told how a picture gets on, on the thread that makes it.
struct Observer {
  std::function<void(Progress)> on_progress;  // after each step; may be empty
  /// Previews to be made on the way, spread evenly over the steps: at most one after each step but
  /// the last. Each costs a decode.
  int previews = 0;
  /// What the picture would be if it were to end here, in its full size.
  std::function<void(image::Picture)> on_preview;
};

/// Pictures of one request that differ by their seed alone, and who is told of each, on the thread
/// that makes it.
struct Batch {
  std::vector<std::uint64_t> seeds;          // one picture each, in this order
  std::function<Observer(int index)> watch;  // may be empty
  /// Each as soon as it is made; an error ends the batch.
  std::function<Result<>(int index, image::Picture)> take;
};

/// Moving pictures.
struct ClipRequest {
  std::string prompt;
  /// RGB or RGBA; its middle is taken where its shape is another than the clip's. None: what the
  /// model makes of the prompt.
  std::optional<image::Picture> first_frame;
  int width = 848;  // pixels of every frame; any size >= 64
  int height = 480;
  int frames = 0;  // with the first one; 1 to kClipFramesMax
  int steps = 0;   // of each pass; 0: the model's default
  std::optional<float> guidance;
  std::uint64_t seed = 0;
};

inline constexpr int kClipFramesMax = 3600;

/// Who is told how a clip gets on and takes its frames, on the thread that makes it.
struct ClipObserver {
  std::function<void(Progress)> on_progress;  // after each step of all passes; may be empty
  /// The frames in their order, each as soon as it is made; an error ends the clip.
  std::function<Result<>(image::Picture)> take;
};

/// A loaded model. One call of `generate` or `animate` at a time; the calls may come from different
/// threads.
class Engine {
 public:
  /// Errors name the file, the tensor or the key that is wrong: `invalid_argument`, `not_found`,
  /// `data_loss` for broken bytes, `unimplemented` for a family or device this build does not know.
  static Result<std::unique_ptr<Engine>> load(const LoadOptions& options);
  virtual ~Engine() = default;

  virtual const ModelSummary& summary() const = 0;

  /// How a request will be read; a few milliseconds, and true of `generate` with the same request.
  virtual RequestReading read(const GenerateRequest& request) const = 0;

  /// What a picture of this request takes. Errors: `invalid_argument` for a size or a reference
  /// that cannot be.
  virtual Result<PictureCost> cost(const GenerateRequest& request) const = 0;

  /// What a clip of this request takes whose first frame is given: the steps of all passes, a step
  /// by the mean of them all, and as decoding all that the autoencoder does. Errors: as animate's
  /// for a model that makes no clips, a size or a length that cannot be.
  virtual Result<PictureCost> cost(const ClipRequest& request) const = 0;

  /// `data_loss` once a file of the weights was changed or cut short under the model, which reads
  /// some of them from there: it must be loaded again.
  virtual Result<> intact() const = 0;

  /// Makes the pictures of a batch, for which the request is read and its references are looked at
  /// once. A stop request takes effect within one step and returns `cancelled`; what was taken by
  /// then is whole. Same seed, model, request and class of machine: same bytes, with any number of
  /// threads, alone or in any batch.
  ///
  /// A picture that needs more memory than there is is refused before any of it is taken:
  /// `invalid_argument`, field "size", where the machine has less, and `resource_exhausted` where
  /// so much is not free now.
  virtual Result<> generate_batch(const GenerateRequest& request, const Batch& batch,
                                  std::stop_token stop) = 0;

  /// Makes a clip, pass after pass, each going on from the last frame of the one before. Same
  /// request, model and class of machine: same bytes. Errors as generate_batch; `invalid_argument`,
  /// field "model", for a model that makes no clips.
  virtual Result<> animate(const ClipRequest& request, const ClipObserver& observer,
                           std::stop_token stop) = 0;

  /// One picture, with the request's own seed.
  Result<image::Picture> generate(const GenerateRequest& request, const Observer& observer,
                                  std::stop_token stop);
};

/// Whether `Engine::load` finds all it needs, without reading the weights' bytes: its errors as far
/// as they show by then.
Result<> check_loadable(const LoadOptions& options);

/// What the model in a folder says that it is, in a sentence or two, without loading it; may be
/// empty.
std::string model_card(const std::filesystem::path& path);

}  // namespace imagined::engine

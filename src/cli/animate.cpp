// imagined animate: prompt, and perhaps a first picture or a video to go on from, to a video file,
// with the engine in this process and no server.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "base/crypto.h"
#include "base/json_text.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "cli/given.h"
#include "cli/options.h"
#include "cli/process.h"
#include "cli/progress.h"
#include "engine/engine.h"
#include "image/label.h"
#include "service/pictures/prompt.h"
#include "service/videos/video_size.h"
#include "video/recording.h"

namespace imagined::cli {
namespace {

namespace fs = std::filesystem;

struct AnimateOptions {
  ConfigFlags flags;
  std::string prompt;
  std::string output;
  std::string model;
  std::vector<std::string> image;  // one at most
  std::string video;
  int seconds = 4;
  std::string aspect_ratio;
  std::string resolution;
  std::optional<std::uint64_t> seed;
  int steps = 0;
  std::optional<float> guidance;
  bool json = false;
};

/// What was written.
struct WrittenClip {
  fs::path path;  // empty: stdout
  video::VideoShape shape;
  int frames = 0;
  std::size_t size_bytes = 0;
  double seconds = 0;  // that it took
};

Result<fs::path> choose_file(const AnimateOptions& options, std::uint64_t seed) {
  if (options.output == "-") {
    if (!options.json && isatty(STDOUT_FILENO) == 0) return fs::path();
    return fail(ErrorCode::invalid_argument,
                "output: stdout takes a video only where it is neither a terminal nor wanted for "
                "--json",
                "output");
  }
  const fs::path path =
      options.output.empty() ? fmt::format("imagined-{}.mp4", seed) : options.output;
  if (path.extension() == ".mp4") return path;
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("output: \"{}\" does not end in .mp4, the one kind of file that is written",
                  path.string()),
      "output");
}

/// What was asked for, with what it goes on from.
struct Work {
  engine::ClipRequest request;
  std::optional<video::Frames> before;
  video::Codec codec = video::Codec::h264;
};

/// A video of the kinds of sizes that are offered.
Result<service::PictureSize> choose_size(const AnimateOptions& options,
                                         const std::optional<image::Picture>& first_frame) {
  service::AspectRatio ratio =
      first_frame ? service::nearest_video_aspect_ratio(first_frame->width, first_frame->height)
                  : service::AspectRatio::r16_9;
  if (!options.aspect_ratio.empty())
    ratio = TRY(service::parse_video_aspect_ratio(options.aspect_ratio));
  const std::string word = options.resolution.empty() ? "480p" : options.resolution;
  return service::video_size(ratio, TRY(service::parse_video_resolution(word)));
}

/// What goes on from a video has its size.
Result<void> go_on_from_video(const AnimateOptions& options, Work& work) {
  if (!options.image.empty() || !options.aspect_ratio.empty() || !options.resolution.empty())
    return fail(ErrorCode::invalid_argument,
                "video: what goes on from one has its size and begins with its last frame; leave "
                "out --image, --aspect-ratio and --resolution",
                "video");
  work.before = TRY(read_video(options.video));
  work.request.first_frame = work.before->picture(work.before->count - 1);
  work.request.width = work.before->width;
  work.request.height = work.before->height;
  return {};
}

/// All but the frames' number, which the model's speed decides.
Result<Work> make_work(const AnimateOptions& options, const ModelSettings& model) {
  const std::string text = TRY(read_prompt(options.prompt));
  const service::Prompt prompt = TRY(service::Prompt::parse(text, model.max_prompt_length));
  Work work{.request = {.prompt = prompt.text(),
                        .steps = options.steps > 0 ? options.steps : model.steps,
                        .guidance = options.guidance ? options.guidance : model.guidance},
            .before = {}};
  engine::ClipRequest& request = work.request;
  if (!options.video.empty()) {
    TRY(go_on_from_video(options, work));
    return work;
  }
  auto pictures = TRY(read_pictures(options.image));
  if (!pictures.empty()) request.first_frame = std::move(pictures.front());
  const service::PictureSize size = TRY(choose_size(options, request.first_frame));
  request.width = size.width;
  request.height = size.height;
  return work;
}

Result<void> write_video(const fs::path& path, std::span<const std::uint8_t> bytes) {
  if (!path.empty()) return write_file(path, bytes);
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() &&
      std::fflush(stdout) == 0) {
    return {};
  }
  return fail(ErrorCode::storage_full, "stdout cannot be written");
}

/// `xmp` says in the file how it was made; empty: nothing does.
Result<WrittenClip> make_video(engine::Engine& engine, const Work& work, std::string_view xmp,
                               const fs::path& path, std::stop_token stop) {
  const double begun_s = seconds_now();
  const engine::ClipRequest& request = work.request;
  std::optional<video::Recording> recording;  // begun by the first frame: not every model has one
  const auto add = [&](const image::Picture& frame) -> Result<void> {
    if (!recording)
      recording = TRY(video::Recording::begin(request.width, request.height,
                                              engine.summary().clip_frames_per_second, work.codec,
                                              work.before ? &*work.before : nullptr));
    return recording->add(frame);
  };
  ProgressBar bar;
  const engine::ClipObserver observer{.on_progress =
                                          [&](engine::Progress progress) {
                                            bar.draw({.step = progress.step,
                                                      .steps = progress.steps,
                                                      .elapsed_s = seconds_now() - begun_s});
                                          },
                                      .take = [&](image::Picture frame) { return add(frame); }};
  TRY(engine.animate(request, observer, std::move(stop)));
  const std::vector<std::uint8_t> bytes = recording->finish(xmp);
  TRY(write_video(path, bytes));
  bar.clear();
  return WrittenClip{.path = path,
                     .shape = recording->shape(),
                     .frames = recording->frames(),
                     .size_bytes = bytes.size(),
                     .seconds = seconds_now() - begun_s};
}

std::string json_report(const WrittenClip& written, const engine::ClipRequest& request,
                        const std::string& model, const engine::RequestReading& reading) {
  return JsonText::object({{"model", model},
                           {"path", fs::absolute(written.path).string()},
                           {"width", written.shape.width},
                           {"height", written.shape.height},
                           {"frames", written.frames},
                           {"frames_per_second", written.shape.frames_per_second},
                           {"size_bytes", written.size_bytes},
                           {"seed", request.seed},
                           {"seconds", written.seconds},
                           {"input_tokens", reading.tokens_read},
                           {"warnings", JsonText::array_of(reading.warnings)}})
      .text();
}

int animate(const AnimateOptions& options) {
  const auto config = load_config(options.flags, options.model);
  if (!config) return report(kExitConfig, config.error());
  const auto model = choose_maker(*config, options.model, service::Makes::videos);
  if (!model) return report(model.error());
  const std::uint64_t seed = options.seed.value_or(random_seed());
  const auto path = choose_file(options, seed);
  if (!path) return report(kExitUsage, path.error());
  auto work = make_work(options, *model);
  if (!work) return report(work.error());
  engine::ClipRequest& request = work->request;
  request.seed = seed;
  work->codec = video::codec_named(config->settings.video_codec);
  const std::stop_token stop = stop_on_signals();
  const auto engine = engine::Engine::load(load_options(*config, *model));
  if (!engine) return report(engine.error());
  request.frames = options.seconds * (*engine)->summary().clip_frames_per_second +
                   (work->before ? 1 : 0);  // which is there already
  const engine::RequestReading reading = (*engine)->read({.prompt = request.prompt});
  for (const std::string& warning : reading.warnings) fmt::print(stderr, "note: {}\n", warning);
  std::string xmp;
  if (config->settings.picture_metadata == "on")
    xmp = image::xmp_packet({.model = model->name,
                             .seed = seed,
                             .prompt_sha256 = to_hex(sha256(request.prompt)),
                             .of_given_pictures = request.first_frame.has_value()});
  const auto written = make_video(**engine, *work, xmp, *path, stop);
  if (!written) return report(written.error());
  const std::string name = path->empty() ? "stdout" : path->string();
  fmt::print(stderr, "{}: {} x {}, {} frames at {} a second, seed {}, {:.2f} s\n", name,
             written->shape.width, written->shape.height, written->frames,
             written->shape.frames_per_second, seed, written->seconds);
  if (options.json) {
    fmt::print("{}\n", json_report(*written, request, model->name, reading));
  } else if (!path->empty()) {
    fmt::print("{}\n", name);
  }
  return kExitOk;
}

}  // namespace

Command animate_command() {
  const auto options = std::make_shared<AnimateOptions>();
  std::vector<std::string> ratios;
  for (const auto ratio : service::video_aspect_ratios()) ratios.emplace_back(to_string(ratio));
  std::vector<std::string> resolutions;
  for (const auto each : service::video_resolutions()) resolutions.emplace_back(to_string(each));
  Command command{"animate", "Make a video from a prompt and a first picture, without a server"};
  command.options = {
      {"prompt",
       &options->prompt,
       "What happens, in words; - reads them from stdin",
       {.required = true}},
      {"-o,--output",
       &options->output,
       "File to write, .mp4, or - for stdout [imagined-SEED.mp4]",
       {.value_name = "FILE"}},
      {"--image",
       &options->image,
       "The first picture [the one that the model makes of the prompt]",
       {.times_max = 1, .value_name = "FILE"}},
      {"--video",
       &options->video,
       "A video, MP4 with H.264, to go on from: its frames come first",
       {.value_name = "FILE"}},
      {"--model", &options->model,
       "A configured model, or a folder or file of weights, trained for clips [the first that is "
       "offered for videos]"},
      {"--seconds",
       &options->seconds,
       "How long, without a video that comes first",
       {.min = 1, .max = service::kVideoSecondsMax}},
      {"--aspect-ratio",
       &options->aspect_ratio,
       fmt::format("Width to height, one of {} [the first picture's, else 16:9]",
                   join_words(ratios, ", ")),
       {.usual = ratios}},
      {"--resolution",
       &options->resolution,
       fmt::format("One of {} [480p]", join_words(resolutions, ", ")),
       {.usual = resolutions}},
      {"--seed", &options->seed, "Same seed, same video [random]"},
      {"--steps", &options->steps, "Denoising steps [the model's]", {.min = 1, .max = 100}},
      {"--guidance",
       &options->guidance,
       "How closely to follow the prompt [the model's]",
       {.min = 0, .max = 100}},
      {"--json", &options->json, kJsonHelp},
  };
  add_config_options(command, options->flags, engine_settings());
  command.footer =
      "Examples:\n"
      "  imagined animate \"it starts to snow\" --image house.png -o house.mp4\n"
      "  imagined animate \"a red house, night falls\" --seconds 4 --resolution 720p -o night.mp4\n"
      "  imagined animate \"it starts to rain\" --video night.mp4 -o rain.mp4";
  command.run = [options] { return animate(*options); };
  return command;
}

}  // namespace imagined::cli

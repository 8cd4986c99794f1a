// imagined generate: prompt to picture files, with the engine in this process and no server.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <span>

#include "base/crypto.h"
#include "base/file.h"
#include "base/json_text.h"
#include "base/words.h"
#include "cli/command.h"
#include "cli/decode.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "cli/given.h"
#include "cli/options.h"
#include "cli/picture_file.h"
#include "cli/preview.h"
#include "cli/process.h"
#include "cli/progress.h"
#include "engine/engine.h"
#include "image/encode.h"
#include "image/label.h"
#include "service/pictures/geometry.h"
#include "service/pictures/offered.h"
#include "service/pictures/picture_request.h"

namespace imagined::cli {
namespace {

namespace fs = std::filesystem;

struct GenerateOptions {
  ConfigFlags flags;
  std::string prompt;
  std::string output;
  std::string model;
  std::string aspect_ratio = "auto";
  std::string resolution = "1k";
  int count = 1;
  std::vector<std::string> images;
  std::vector<std::string> loras;
  std::optional<std::uint64_t> seed;
  int steps = 0;
  std::optional<float> guidance;
  std::string negative_prompt;
  std::string format;
  std::string preview = "auto";
  bool json = false;
};

// A finished picture on disk.
struct Written {
  fs::path path;
  image::Picture picture;
  std::uint64_t seed = 0;
  double seconds = 0;
};

constexpr int kLorasMax = 16;

std::string_view default_extension(const std::string& format) {
  const auto parsed = image::parse_output_format(format);
  return image::extension(parsed ? *parsed : image::Format::png);
}

Result<void> write_picture(const PictureFile& file, const fs::path& path,
                           std::span<const std::uint8_t> bytes) {
  if (!file.is_stdout()) return write_file(path, bytes);
  if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() &&
      std::fflush(stdout) == 0) {
    return {};
  }
  return fail(ErrorCode::storage_full, "stdout cannot be written");
}

// "1:1", "3:4", ... and the like.
template <class Words>
std::vector<std::string> words_of(const Words& words) {
  std::vector<std::string> texts;
  for (const auto word : words) texts.emplace_back(to_string(word));
  return texts;
}

std::string json_report(const std::vector<Written>& pictures, const std::string& model,
                        const engine::RequestReading& reading) {
  JsonText list = JsonText::array();
  for (const Written& written : pictures) {
    list.push(JsonText::object({{"path", fs::absolute(written.path).string()},
                                {"width", written.picture.width},
                                {"height", written.picture.height},
                                {"seed", written.seed},
                                {"seconds", written.seconds}}));
  }
  return JsonText::object({{"model", model},
                           {"pictures", list},
                           {"input_tokens", reading.tokens_read},
                           {"warnings", JsonText::array_of(reading.warnings)}})
      .text();
}

// Makes the pictures and writes each as soon as it is there; the request's seed is the first's.
class Generation {
 public:
  Generation(engine::Engine& engine, const GenerateOptions& options, image::LossyOptions lossy,
             std::optional<image::Label> label)
      : engine_(engine),
        options_(options),
        lossy_(lossy),
        label_(std::move(label)),
        started_s_(seconds_now()) {}

  Result<std::vector<Written>> run(const engine::GenerateRequest& request, const PictureFile& file,
                                   std::stop_token stop) {
    std::vector<Written> pictures;
    engine::Batch batch;
    for (int index = 0; index < options_.count; ++index)
      batch.seeds.push_back(request.seed + static_cast<std::uint64_t>(index));
    batch.watch = [&](int index) {
      begun_s_ = seconds_now();
      return engine::Observer{
          .on_progress = [this, index](engine::Progress progress) { draw(index, progress); }};
    };
    batch.take = [&](int index, image::Picture picture) -> Result<> {
      pictures.push_back(TRY(write({.path = numbered(file.path, index, options_.count),
                                    .picture = std::move(picture),
                                    .seed = batch.seeds[static_cast<std::size_t>(index)],
                                    .seconds = seconds_now() - begun_s_},
                                   file)));
      return {};
    };
    TRY(engine_.generate_batch(request, batch, std::move(stop)));
    return pictures;
  }

 private:
  void draw(int index, engine::Progress progress) {
    bar_.draw({.picture = index + 1,
               .pictures = options_.count,
               .step = progress.step,
               .steps = progress.steps,
               .elapsed_s = seconds_now() - started_s_});
  }

  Result<Written> write(Written made, const PictureFile& file) {
    const auto& [path, picture, seed, seconds] = made;
    auto bytes = TRY(image::encode(picture.view(), file.format, lossy_));
    if (label_) {
      label_->seed = seed;
      bytes = image::with_label(std::move(bytes), file.format, *label_);
    }
    TRY(write_picture(file, path, bytes));
    bar_.clear();
    const PreviewProtocol preview = choose_preview(options_.preview);
    if (preview != PreviewProtocol::none) show_preview(preview, image::encode_png(picture.view()));
    const std::string name = file.is_stdout() ? "stdout" : path.string();
    fmt::print(stderr, "{}: {} x {}, seed {}, {:.2f} s\n", name, picture.width, picture.height,
               seed, seconds);
    return made;
  }

  engine::Engine& engine_;
  const GenerateOptions& options_;
  const image::LossyOptions lossy_;
  std::optional<image::Label> label_;  // all but the seed; none: the files say nothing
  const double started_s_;
  double begun_s_ = 0;  // the picture in work
  ProgressBar bar_;
};

// By the shape of the first picture that is given, where no other is asked for.
Result<service::PictureSize> size_of(const GenerateOptions& options,
                                     std::span<const image::Picture> references) {
  auto ratio = TRY(service::parse_aspect_ratio(options.aspect_ratio));
  const auto resolution = TRY(service::parse_resolution(options.resolution));
  if (ratio == service::AspectRatio::auto_ && !references.empty())
    ratio = service::nearest_aspect_ratio(references.front().width, references.front().height);
  return service::picture_size(ratio, resolution);
}

// All but the pictures that are given.
Result<engine::GenerateRequest> make_request(const GenerateOptions& options,
                                             const ModelSettings& model) {
  const std::string text = TRY(read_prompt(options.prompt));
  const service::Prompt prompt = TRY(service::Prompt::parse(text, model.max_prompt_length));
  const service::PictureSize size = TRY(size_of(options, {}));
  return engine::GenerateRequest{.prompt = prompt.text(),
                                 .negative_prompt = options.negative_prompt,
                                 .width = size.width,
                                 .height = size.height,
                                 .steps = options.steps > 0 ? options.steps : model.steps,
                                 .guidance = options.guidance ? options.guidance : model.guidance};
}

Result<void> check_image_count(const GenerateOptions& options, const ModelSettings& model,
                               const engine::ModelSummary& summary) {
  const service::Abilities abilities{.references_max = summary.max_references};
  if (options.images.empty()) return {};
  return service::check_reference_count(options.images.size(), {.id = model.name}, &abilities);
}

Result<void> give_pictures(const GenerateOptions& options, engine::GenerateRequest& request) {
  request.references = TRY(read_pictures(options.images));
  const service::PictureSize size = TRY(size_of(options, request.references));
  request.width = size.width;
  request.height = size.height;
  return {};
}

int generate(const GenerateOptions& options) {
  const auto config = load_config(options.flags, options.model);
  if (!config) return report(kExitConfig, config.error());
  auto model = choose_maker(*config, options.model, service::Makes::pictures);
  if (!model) return report(model.error());
  for (const std::string& lora : options.loras) model->loras.push_back(config::parse_lora(lora));
  const std::uint64_t seed = options.seed.value_or(random_seed());
  const std::string name = options.output.empty() ? fmt::format("imagined-{}.{}", seed,
                                                                default_extension(options.format))
                                                  : options.output;
  const auto file = choose_picture_file(name, options.format, options.count);
  if (!file) return report(kExitUsage, file.error());
  if (file->is_stdout() && (options.json || isatty(STDOUT_FILENO) == 1)) {
    return report(kExitUsage, Error{.message = "output: stdout takes a picture only where it is "
                                               "neither a terminal nor wanted for --json"});
  }
  auto request = make_request(options, *model);
  if (!request) return report(request.error());
  request->seed = seed;
  const std::stop_token stop = stop_on_signals();
  const auto engine = engine::Engine::load(load_options(*config, *model));
  if (!engine) return report(engine.error());
  if (const auto few = check_image_count(options, *model, (*engine)->summary()); !few)
    return report(kExitUsage, few.error());
  if (const auto given = give_pictures(options, *request); !given) return report(given.error());
  const engine::RequestReading reading = (*engine)->read(*request);
  for (const std::string& warning : reading.warnings) fmt::print(stderr, "note: {}\n", warning);
  const image::LossyOptions lossy{.quality = static_cast<int>(config->settings.jpeg_quality)};
  std::optional<image::Label> label;
  if (config->settings.picture_metadata == "on")
    label = image::Label{.model = model->name,
                         .prompt_sha256 = to_hex(sha256(request->prompt)),
                         .of_given_pictures = !request->references.empty()};
  const auto pictures =
      Generation(**engine, options, lossy, std::move(label)).run(*request, *file, stop);
  if (!pictures) return report(pictures.error());
  if (options.json) {
    fmt::print("{}\n", json_report(*pictures, model->name, reading));
  } else if (!file->is_stdout()) {
    for (const Written& written : *pictures) fmt::print("{}\n", written.path.string());
  }
  return kExitOk;
}

}  // namespace

Command generate_command() {
  const auto options = std::make_shared<GenerateOptions>();
  const auto ratios = words_of(service::all_aspect_ratios());
  const auto resolutions = words_of(service::all_resolutions());
  Command command{"generate", "Make pictures from a prompt, without a server"};
  command.options = {
      {"prompt",
       &options->prompt,
       "What to show, in words; - reads them from stdin",
       {.required = true}},
      {"-o,--output",
       &options->output,
       "File to write, .png, .jpg or .webp, or - for stdout; with -n 2 its name gets -1 and -2 "
       "[imagined-SEED.png]",
       {.value_name = "FILE"}},
      {"--format",
       &options->format,
       "Format of the file [what its name says]",
       {.choices = {"png", "jpeg", "webp"}}},
      {"--preview",
       &options->preview,
       "How to show the picture in the terminal",
       {.choices = {"auto", "kitty", "iterm2", "off"}}},
      {"--model", &options->model,
       "A configured model, or a folder or file of weights [the first that is offered for "
       "pictures]"},
      {"--aspect-ratio",
       &options->aspect_ratio,
       fmt::format("Width to height, one of {} [that of the first --image, else 1:1]",
                   join_words(ratios, ", ")),
       {.usual = ratios}},
      {"--resolution",
       &options->resolution,
       fmt::format("One of {}", join_words(resolutions, ", ")),
       {.usual = resolutions}},
      {"-n,--count",
       &options->count,
       "Pictures to make; seeds count up",
       {.min = 1, .max = service::kPictureCountMax}},
      {"--image",
       &options->images,
       "Reference picture; again for each further one, as many as the model takes",
       {.value_name = "FILE"}},
      {"--lora",
       &options->loras,
       "LoRA, DoRA or LoKr file to lay on the model, with its strength behind a colon [1]",
       {.times_max = kLorasMax, .value_name = "FILE[:SCALE]"}},
      {"--seed", &options->seed, "Same seed, same picture [random]"},
      {"--steps", &options->steps, "Denoising steps [the model's]", {.min = 1, .max = 100}},
      {"--guidance",
       &options->guidance,
       "How closely to follow the prompt [the model's]",
       {.min = 0, .max = 100}},
      {"--negative-prompt", &options->negative_prompt,
       "What to keep away from, where the model has true guidance"},
      {"--json", &options->json, kJsonHelp},
  };
  add_config_options(command, options->flags, engine_settings());
  command.footer =
      "Examples:\n"
      "  imagined generate \"a red house on the beach at sunset\" -o house.png\n"
      "  imagined generate \"a yellow car in the desert\" -n 4 --aspect-ratio 16:9 -o car.jpg\n"
      "  echo \"a rocket in space\" | imagined generate - -o - --format jpeg > rocket.jpg\n"
      "  imagined generate \"make it night\" --image house.png -o night.png";
  command.run = [options] { return generate(*options); };
  return command;
}

}  // namespace imagined::cli

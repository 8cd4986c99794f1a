// imagined generate: prompt to picture files, with the engine in this process and no server.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/crypto.h"
#include "cli/command.h"
#include "cli/decode.h"
#include "cli/exit_code.h"
#include "cli/files.h"
#include "cli/options.h"
#include "cli/preview.h"
#include "cli/process.h"
#include "cli/progress.h"
#include "engine/engine.h"
#include "image/encode.h"
#include "service/pictures/geometry.h"
#include "service/pictures/picture_request.h"

namespace imagined::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kReferencesMax = 8;

struct Options {
  ConfigFlags flags;
  std::string prompt;
  std::string output;
  std::string model;
  std::string aspect_ratio = "1:1";
  std::string resolution = "1k";
  int count = 1;
  std::vector<std::string> images;
  std::optional<std::uint64_t> seed;
  int steps = 0;
  std::optional<float> guidance;
  bool json = false;
};

// A finished picture on disk.
struct Written {
  fs::path path;
  engine::Picture picture;
  std::uint64_t seed = 0;
  double seconds = 0;
};

Result<image::Format> format_of(const fs::path& output) {
  const std::string extension = output.extension().string();
  if (extension == ".png") return image::Format::png;
  if (extension == ".jpg" || extension == ".jpeg") return image::Format::jpeg;
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: the name must end in .png, .jpg or .jpeg", output.string()),
              "output");
}

// out.png for one picture, out-1.png, out-2.png, ... for several.
fs::path numbered(const fs::path& output, int index, int count) {
  if (count == 1) return output;
  fs::path path = output;
  path.replace_filename(
      fmt::format("{}-{}{}", output.stem().string(), index + 1, output.extension().string()));
  return path;
}

Result<std::vector<engine::Picture>> read_references(const std::vector<std::string>& files) {
  std::vector<engine::Picture> pictures;
  decoder::Decoder decoder(own_decoder());
  for (const std::string& file : files) {
    const auto bytes = TRY(read_file(file, image::DecodeLimits{}.bytes_max));
    auto decoded = decoder.decode(bytes);
    if (!decoded) {
      decoded.error().message = fmt::format("{}: {}", file, decoded.error().message);
      return tl::unexpected(std::move(decoded.error()));
    }
    pictures.push_back(
        {decoded->width, decoded->height, decoded->channels, std::move(decoded->bytes)});
  }
  return pictures;
}

image::PixelsView view(const engine::Picture& picture) {
  return {picture.width, picture.height, picture.channels, picture.pixels};
}

std::string json_report(const std::vector<Written>& pictures, const std::string& model,
                        const engine::RequestReading& reading) {
  nlohmann::json list = nlohmann::json::array();
  for (const Written& written : pictures) {
    list.push_back({{"path", fs::absolute(written.path).string()},
                    {"width", written.picture.width},
                    {"height", written.picture.height},
                    {"seed", written.seed},
                    {"seconds", written.seconds}});
  }
  return nlohmann::json{{"model", model},
                        {"pictures", std::move(list)},
                        {"input_tokens", reading.tokens_read},
                        {"warnings", reading.warnings}}
      .dump();
}

// Makes the pictures one after the other; `base` has everything but the seed.
class Generation {
 public:
  Generation(engine::Engine& engine, const Options& options, image::JpegOptions jpeg)
      : engine_(engine), options_(options), jpeg_(jpeg), started_s_(seconds_now()) {}

  Result<std::vector<Written>> run(engine::GenerateRequest base, const fs::path& output,
                                   std::stop_token stop) {
    const image::Format format = TRY(format_of(output));
    const std::uint64_t seed = base.seed;
    std::vector<Written> pictures;
    for (int index = 0; index < options_.count; ++index) {
      base.seed = seed + static_cast<std::uint64_t>(index);
      pictures.push_back(
          TRY(make_one(base, numbered(output, index, options_.count), format, index, stop)));
    }
    return pictures;
  }

 private:
  Result<Written> make_one(const engine::GenerateRequest& request, const fs::path& path,
                           image::Format format, int index, std::stop_token stop) {
    const double begin_s = seconds_now();
    const auto on_progress = [&](engine::Progress progress) {
      bar_.draw({.picture = index + 1,
                 .pictures = options_.count,
                 .step = progress.step,
                 .steps = progress.steps,
                 .elapsed_s = seconds_now() - started_s_});
    };
    engine::Picture picture = TRY(engine_.generate(request, on_progress, stop));
    const double seconds = seconds_now() - begin_s;
    const auto bytes = TRY(image::encode(view(picture), format, jpeg_));
    TRY(write_file(path, bytes));
    bar_.clear();
    if (can_preview()) show_preview(image::encode_png(view(picture)));
    fmt::print(stderr, "{}: {} x {}, seed {}, {:.2f} s\n", path.string(), picture.width,
               picture.height, request.seed, seconds);
    return Written{path, std::move(picture), request.seed, seconds};
  }

  engine::Engine& engine_;
  const Options& options_;
  const image::JpegOptions jpeg_;
  const double started_s_;
  ProgressBar bar_;
};

Result<engine::GenerateRequest> make_request(const Options& options, const ModelSettings& model) {
  const service::Prompt prompt =
      TRY(service::Prompt::parse(options.prompt, model.max_prompt_length));
  const auto ratio = TRY(service::parse_aspect_ratio(options.aspect_ratio));
  const auto resolution = TRY(service::parse_resolution(options.resolution));
  const service::PictureSize size = service::picture_size(ratio, resolution);
  auto references = TRY(read_references(options.images));
  return engine::GenerateRequest{.prompt = prompt.text(),
                                 .width = size.width,
                                 .height = size.height,
                                 .steps = options.steps > 0 ? options.steps : model.steps,
                                 .guidance = options.guidance ? options.guidance : model.guidance,
                                 .seed = options.seed.value_or(random_seed()),
                                 .references = std::move(references)};
}

int generate(const Options& options) {
  const auto config = load_config(options.flags);
  if (!config) return report(kExitConfig, config.error());
  const auto model = choose_model(*config, options.model);
  if (!model) return report(model.error());
  auto request = make_request(options, *model);
  if (!request) return report(request.error());
  const fs::path output =
      options.output.empty() ? fmt::format("imagined-{}.png", request->seed) : options.output;
  if (const auto format = format_of(output); !format) return report(kExitUsage, format.error());

  const std::stop_token stop = stop_on_signals();
  const auto engine = engine::Engine::load(load_options(*config, *model));
  if (!engine) return report(engine.error());
  const engine::RequestReading reading = (*engine)->read(*request);
  for (const std::string& warning : reading.warnings) fmt::print(stderr, "note: {}\n", warning);
  const image::JpegOptions jpeg{.quality = static_cast<int>(config->settings.jpeg_quality)};
  const auto pictures = Generation(**engine, options, jpeg).run(std::move(*request), output, stop);
  if (!pictures) return report(pictures.error());
  if (options.json) {
    fmt::print("{}\n", json_report(*pictures, model->name, reading));
  } else {
    for (const Written& written : *pictures) fmt::print("{}\n", written.path.string());
  }
  return kExitOk;
}

}  // namespace

Command generate_command() {
  const auto options = std::make_shared<Options>();
  Command command{"generate", "Make pictures from a prompt, without a server"};
  command.options = {
      {"prompt", &options->prompt, "What to show, in words", {.required = true}},
      {"-o,--output",
       &options->output,
       "File to write, .png or .jpg; with -n 2 its name gets -1 and -2 [imagined-SEED.png]",
       {.value_name = "FILE"}},
      {"--model", &options->model,
       "A configured model, or a folder or file of weights [the first model]"},
      {"--aspect-ratio", &options->aspect_ratio, "Width to height, such as 16:9"},
      {"--resolution", &options->resolution, "1k, 1.5k or 2k"},
      {"-n,--count",
       &options->count,
       "Pictures to make; seeds count up",
       {.min = 1, .max = service::kPictureCountMax}},
      {"--image",
       &options->images,
       "Reference picture, up to 8 times",
       {.times_max = kReferencesMax, .value_name = "FILE"}},
      {"--seed", &options->seed, "Same seed, same picture [random]"},
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
      "  imagined generate \"a red house beside two trees at night\" -o house.png\n"
      "  imagined generate \"a yellow cat\" -n 4 --aspect-ratio 16:9 --resolution 2k -o cat.jpg\n"
      "  imagined generate \"the same house in winter\" --image house.png --model DIR -o out.png";
  command.run = [options] { return generate(*options); };
  return command;
}

}  // namespace imagined::cli

#include "engine/formats/model_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/formats/in_quotes.h"
#include "engine/formats/json.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(path, ignored);
}
bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

/// "FLUX.2-klein-4B" for ".../FLUX.2-klein-4B/" too.
std::string last_name(const fs::path& path) {
  const fs::path name = path.filename().empty() ? path.parent_path().filename() : path.filename();
  return name.string();
}

tl::unexpected<Error> missing(const fs::path& root, std::string_view what) {
  return fail(ErrorCode::not_found, fmt::format("{}: {} is missing", last_name(root), what), {},
              root.string());
}

/// A configuration file of a component, under the name that error messages use.
template <class Config>
Result<Config> read_config(const fs::path& root, const std::string& file,
                           Result<Config> (*parse)(std::string_view, std::string_view)) {
  const fs::path path = root / file;
  if (!is_file(path)) return missing(root, file);
  const std::string text = TRY(read_text(path, kMaxConfigBytes));
  return parse(text, file);
}

/// `"vae": ["diffusers", "AutoencoderKLFlux2"]`.
void check_component(ConfigReader& reader, const json& index, const char* key,
                     std::span<const std::string_view> classes) {
  if (!reader.has(key)) return reader.refuse(key, "missing");
  const json& pair = index.at(key);
  if (!pair.is_array() || pair.size() != 2 || !pair[1].is_string())
    return reader.refuse(key, "expected a pair [library, class]");
  const auto name = pair[1].get<std::string>();
  if (std::find(classes.begin(), classes.end(), name) == classes.end())
    reader.refuse(key,
                  fmt::format("{} is not supported, only {}", in_quotes(name), classes.front()),
                  ErrorCode::unimplemented);
}

void check_pipeline(ConfigReader& reader) {
  const std::string pipeline = reader.string_or("_class_name", "");
  if (pipeline == "Flux2KleinPipeline") return;
  if (pipeline.empty()) return reader.refuse("_class_name", "missing");
  reader.refuse("_class_name",
                fmt::format("{} is not supported, only Flux2KleinPipeline", in_quotes(pipeline)),
                ErrorCode::unimplemented);
}

constexpr ConfigReader::Limits kPromptTokens{1, 1 << 16};

/// The published models' settings: 4 steps without guidance, or 50 with guidance 4 before
/// distillation.
SamplingDefaults published_sampling(bool distilled) {
  SamplingDefaults sampling;
  if (!distilled) {
    sampling.steps = 50;
    sampling.guidance = 4;
  }
  return sampling;
}

/// The parts fit together.
Result<> cross_check(const ModelFolder& model) {
  const auto refuse = [](std::string message) {
    return fail(ErrorCode::invalid_argument, std::move(message));
  };
  const auto taps = static_cast<std::int64_t>(model.text.taps.size());
  for (const std::int64_t tap : model.text.taps)
    if (tap > model.qwen3.layers)
      return refuse(fmt::format("text_encoder_out_layers: {}, but the text encoder has {} layers",
                                tap, model.qwen3.layers));
  if (taps * model.qwen3.hidden_size != model.flux2.context_size)
    return refuse(fmt::format(
        "joint_attention_dim is {}, expected {} ({} taps of text features of width {})",
        model.flux2.context_size, taps * model.qwen3.hidden_size, taps, model.qwen3.hidden_size));
  const std::int64_t channels = 4 * model.vae_config.latent_channels;
  if (model.flux2.in_channels != channels || model.flux2.out_channels != channels)
    return refuse(
        fmt::format("the transformer takes {} channels and gives {}, expected {} (2x2 "
                    "patches of {} latent channels)",
                    model.flux2.in_channels, model.flux2.out_channels, channels,
                    model.vae_config.latent_channels));
  if (model.flux2.guidance_embeds)
    return fail(ErrorCode::unimplemented,
                "guidance_embeds: true is not supported, this pipeline has no guidance input");
  return {};
}

Result<ModelFolder> open_diffusers(const fs::path& root) {
  ModelFolder model;
  model.name = last_name(root);
  model.family = "flux2-klein";
  const std::string index = TRY(read_text(root / "model_index.json", kMaxConfigBytes));
  TRY(parse_model_index(index, model));
  model.transformer = root / "transformer";
  model.text_encoder = root / "text_encoder";
  model.vae = root / "vae";
  for (const char* part : {"transformer", "text_encoder", "vae", "tokenizer", "scheduler"})
    if (!is_folder(root / part)) return missing(root, fmt::format("{}/", part));
  model.flux2 = TRY(read_config(root, "transformer/config.json", parse_flux2_config));
  model.qwen3 = TRY(read_config(root, "text_encoder/config.json", parse_qwen3_config));
  model.vae_config = TRY(read_config(root, "vae/config.json", parse_vae_config));
  model.scheduler =
      TRY(read_config(root, "scheduler/scheduler_config.json", parse_scheduler_config));
  model.sampling = published_sampling(model.distilled);
  if (is_file(root / "sampling.json")) {
    const std::string sampling = TRY(read_text(root / "sampling.json", kMaxConfigBytes));
    TRY(parse_sampling(sampling, model));
  }
  model.tokenizer = TRY(find_tokenizer(root));
  TRY(cross_check(model));
  return model;
}

/// All .safetensors files directly in a folder, sorted.
std::vector<fs::path> safetensors_in(const fs::path& folder) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->path().extension() == ".safetensors" && is_file(entry->path()))
      found.push_back(entry->path());
  std::sort(found.begin(), found.end());
  return found;
}

bool name_starts(const fs::path& path, std::string_view prefix) {
  return path.filename().string().starts_with(prefix);
}

/// The folders in which a single file's other parts may lie.
std::vector<fs::path> neighbourhood(const fs::path& file) {
  const fs::path folder = fs::absolute(file).lexically_normal().parent_path();
  return {folder, folder.parent_path()};
}

bool holds_weights(const fs::path& folder) {
  return is_folder(folder) &&
         (!safetensors_in(folder).empty() || is_file(folder / "model.safetensors.index.json"));
}

Result<fs::path> find_text_encoder(const fs::path& file) {
  for (const fs::path& folder : neighbourhood(file)) {
    if (holds_weights(folder / "text_encoder")) return folder / "text_encoder";
    for (const fs::path& place : {folder / "text_encoders", folder})
      for (const fs::path& candidate : safetensors_in(place))
        if (name_starts(candidate, "qwen")) return candidate;
  }
  return missing(file, "a text encoder beside it (text_encoder/, or qwen*.safetensors)");
}

Result<fs::path> find_vae(const fs::path& file) {
  for (const fs::path& folder : neighbourhood(file)) {
    if (is_file(folder / "vae" / "config.json")) return folder / "vae";
    for (const fs::path& candidate : safetensors_in(folder / "vae")) return candidate;
    for (const char* name : {"ae.safetensors", "flux2-vae.safetensors"})
      if (is_file(folder / name)) return folder / name;
  }
  return missing(file, "a VAE beside it (vae/, ae.safetensors or flux2-vae.safetensors)");
}

/// Reads the configuration beside the weights, or makes one out of them.
template <class Config>
Result<Config> config_or_detect(const fs::path& weights, const std::string& part, Network network,
                                Result<Config> (*parse)(std::string_view, std::string_view),
                                Result<Config> (*detect)(const WeightSource&)) {
  if (is_folder(weights) && is_file(weights / "config.json")) {
    const std::string text = TRY(read_text(weights / "config.json", kMaxConfigBytes));
    return parse(text, part + "/config.json");
  }
  const WeightSource source = TRY(WeightSource::open(weights, network));
  Result<Config> config = detect(source);
  if (!config) {
    Error error = std::move(config.error());
    error.message = fmt::format("{}: {}", weights.filename().string(), error.message);
    return tl::unexpected(std::move(error));
  }
  return config;
}

/// Whether the file itself also holds the network (an all-in-one checkpoint).
bool holds(const fs::path& file, Network network, std::string_view name) {
  const Result<WeightSource> source = WeightSource::open(file, network);
  return source && source->has(name);
}

Result<ModelFolder> open_single_file(const fs::path& file) {
  ModelFolder model;
  model.name = file.stem().string();
  model.family = "flux2-klein";
  model.distilled = model.name.find("-base-") == std::string::npos;
  model.transformer = file;
  model.flux2 = TRY(config_or_detect(file, "", Network::flux2, parse_flux2_config, detect_flux2));
  model.text_encoder = holds(file, Network::qwen3, "model.embed_tokens.weight")
                           ? file
                           : TRY(find_text_encoder(file));
  model.vae = holds(file, Network::vae, "decoder.conv_in.weight") ? file : TRY(find_vae(file));
  model.qwen3 = TRY(config_or_detect(model.text_encoder, "text_encoder", Network::qwen3,
                                     parse_qwen3_config, detect_qwen3));
  model.vae_config =
      TRY(config_or_detect(model.vae, "vae", Network::vae, parse_vae_config, detect_vae));
  model.sampling = published_sampling(model.distilled);
  model.tokenizer = TRY(find_tokenizer(file));
  TRY(cross_check(model));
  return model;
}

/// The one transformer file of a folder without model_index.json.
Result<fs::path> only_transformer(const fs::path& root) {
  for (const fs::path& place :
       {root / "split_files" / "diffusion_models", root / "diffusion_models", root}) {
    std::vector<fs::path> files = safetensors_in(place);
    std::erase_if(files, [](const fs::path& path) {
      return name_starts(path, "qwen") || name_starts(path, "ae.") ||
             path.filename().string().find("vae") != std::string::npos;
    });
    if (files.size() == 1) return files.front();
    if (files.size() > 1)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: no model_index.json and {} .safetensors files; name one of them",
                              last_name(root), files.size()),
                  {}, root.string());
  }
  return missing(root, "model_index.json");
}

bool is_tokenizer_folder(const fs::path& folder) {
  return is_file(folder / "tokenizer.json") ||
         (is_file(folder / "vocab.json") && is_file(folder / "merges.txt"));
}

}  // namespace

Result<> parse_model_index(std::string_view text, ModelFolder& model) {
  const json index = TRY(parse_json(text, "model_index.json"));
  ConfigReader reader(index, "model_index.json");
  check_pipeline(reader);
  static constexpr std::array<std::string_view, 1> kScheduler = {"FlowMatchEulerDiscreteScheduler"};
  static constexpr std::array<std::string_view, 2> kText = {"Qwen3ForCausalLM", "Qwen3Model"};
  static constexpr std::array<std::string_view, 2> kTokenizer = {"Qwen2TokenizerFast",
                                                                 "Qwen2Tokenizer"};
  static constexpr std::array<std::string_view, 1> kTransformer = {"Flux2Transformer2DModel"};
  static constexpr std::array<std::string_view, 1> kVae = {"AutoencoderKLFlux2"};
  check_component(reader, index, "scheduler", kScheduler);
  check_component(reader, index, "text_encoder", kText);
  check_component(reader, index, "tokenizer", kTokenizer);
  check_component(reader, index, "transformer", kTransformer);
  check_component(reader, index, "vae", kVae);
  model.distilled = reader.boolean_or("is_distilled", false);
  constexpr std::size_t kMaxTaps = 16;
  model.text.taps =
      reader.integers_or("text_encoder_out_layers", model.text.taps, kMaxTaps, {0, 1000});
  model.text.max_tokens =
      reader.integer_or("max_sequence_length", model.text.max_tokens, kPromptTokens);
  const std::string padding = reader.string_or("text_padding", "max_length");
  if (padding != "none" && padding != "max_length")
    reader.refuse("text_padding",
                  fmt::format("expected \"none\" or \"max_length\", found {}", in_quotes(padding)));
  model.text.pad = padding != "none";
  return reader.finish();
}

Result<> parse_sampling(std::string_view text, ModelFolder& model) {
  const json root = TRY(parse_json(text, "sampling.json"));
  ConfigReader reader(root, "sampling.json");
  SamplingDefaults& sampling = model.sampling;
  sampling.steps = reader.integer_or("steps", sampling.steps, {1, 1000});
  sampling.guidance = reader.positive_or("guidance_scale", sampling.guidance);
  if (reader.has("shift")) sampling.shift = reader.positive_or("shift", 1);
  sampling.native_pixels = reader.integer_or("native_pixels", sampling.native_pixels, {0, 1 << 28});
  const std::int64_t derived = model.vae_config.pixels_per_token();
  const std::int64_t stated = reader.integer_or("pixels_per_token", derived, {1, 1 << 16});
  if (stated != derived)
    reader.refuse("pixels_per_token",
                  fmt::format("{} here, {} by vae/config.json", stated, derived));
  return reader.finish();
}

Result<ModelFolder> open_model(const fs::path& path) {
  if (is_folder(path)) {
    if (is_file(path / "model_index.json")) return open_diffusers(path);
    return open_single_file(TRY(only_transformer(path)));
  }
  std::error_code ignored;
  if (!fs::exists(path, ignored))
    return fail(ErrorCode::not_found, fmt::format("{}: no such file or folder", last_name(path)),
                {}, path.string());
  return open_single_file(path);
}

Result<fs::path> find_tokenizer(const fs::path& path) {
  std::vector<fs::path> places;
  if (is_folder(path)) {
    places = {path / "tokenizer", path};
  } else {
    for (const fs::path& folder : neighbourhood(path))
      places.insert(places.end(), {folder / "tokenizer", folder, folder / "text_encoder"});
  }
  for (const fs::path& place : places)
    if (is_tokenizer_folder(place)) return place;
  if (is_folder(path))
    if (const Result<fs::path> file = only_transformer(path)) return find_tokenizer(*file);
  return missing(path, "tokenizer/tokenizer.json");
}

}  // namespace imagined::engine

#include "engine/families/single_file.h"

#include <fmt/core.h>

#include <array>

#include "engine/families/family_defaults.h"
#include "engine/families/model_parts.h"
#include "engine/formats/json.h"
#include "engine/models/clip/clip_names.h"
#include "engine/models/flux1/flux1_names.h"
#include "engine/models/flux2/flux2_names.h"
#include "engine/models/qwen3/qwen3_names.h"
#include "engine/models/t5/t5_names.h"
#include "engine/models/vae/vae_names.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;

/// The configuration that a file of weights gives away.
template <class Config>
Result<Config> detect_in(const fs::path& weights, const NameTable& network,
                         Result<Config> (*detect)(const WeightSource&)) {
  const WeightSource source = TRY(WeightSource::open(weights, network));
  Result<Config> config = detect(source);
  if (config) return config;
  Error error = std::move(config.error());
  error.message = fmt::format("{}: {}", weights.filename().string(), error.message);
  return tl::unexpected(std::move(error));
}

/// Reads the configuration beside the weights, or makes one out of them.
template <class Config>
Result<Config> config_or_detect(const fs::path& weights, const std::string& part,
                                const NameTable& network,
                                Result<Config> (*parse)(std::string_view, std::string_view),
                                Result<Config> (*detect)(const WeightSource&)) {
  if (!is_folder(weights) || !is_file(weights / "config.json"))
    return detect_in(weights, network, detect);
  const std::string text = TRY(read_text(weights / "config.json", kMaxConfigBytes));
  return parse(text, part + "/config.json");
}

/// Whether the file itself also holds the network (an all-in-one checkpoint).
bool holds(const fs::path& file, const NameTable& network, std::string_view name) {
  const Result<WeightSource> source = WeightSource::open(file, network);
  return source && source->has(name);
}

/// A file that only a complete folder has, looked for around a single file; empty without it.
fs::path near(const fs::path& file, const char* name) {
  for (const fs::path& folder : neighbourhood(file))
    if (is_file(folder / name)) return folder / name;
  return {};
}

std::array<std::int64_t, 9> shapes(const Flux2Config& config) {
  return {config.in_channels,   config.out_channels, config.double_blocks,
          config.single_blocks, config.heads,        config.head_dim,
          config.context_size,  config.mlp_size,     config.timestep_channels};
}

std::array<std::int64_t, 7> shapes(const Flux1Config& config) {
  return {config.channels, config.double_blocks, config.single_blocks, config.heads,
          config.head_dim, config.context_size,  config.pooled_size};
}

/// What shapes cannot say (axes and base of the rotation, epsilon) from a transformer/config.json
/// in the neighbourhood, if it describes a transformer of the same shapes.
template <class Config>
Result<Config> refine(const Config& detected, const fs::path& file,
                      Result<Config> (*parse)(std::string_view, std::string_view)) {
  if (const fs::path path = near(file, "transformer/config.json"); !path.empty()) {
    const std::string text = TRY(read_text(path, kMaxConfigBytes));
    const Config stated = TRY(parse(text, "transformer/config.json"));
    if (shapes(stated) == shapes(detected)) return stated;
  }
  if (!detected.rope_axes.empty()) return detected;
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("{}: no tensor tells how heads of width {} are shared among the RoPE axes; "
                  "transformer/config.json beside the file would",
                  file.filename().string(), detected.head_dim));
}

Result<> open_klein_parts(const fs::path& file, ModelFolder& model) {
  const Flux2Config detected = TRY(detect_in(file, flux2_names(), detect_flux2));
  model.flux2 = TRY(refine(detected, file, parse_flux2_config));
  model.text_encoder =
      holds(file, qwen3_names(), "model.embed_tokens.weight") ? file : TRY(find_text_encoder(file));
  model.qwen3 = TRY(config_or_detect(model.text_encoder, "text_encoder", qwen3_names(),
                                     parse_qwen3_config, detect_qwen3));
  return {};
}

Result<> open_flux1_parts(const fs::path& file, ModelFolder& model) {
  const Flux1Config detected = TRY(detect_in(file, flux1_names(), detect_flux1));
  model.flux1 = TRY(refine(detected, file, parse_flux1_config));
  if (!model.flux1.guidance_embeds) {  // schnell: no shift at all (flux.md 1.5)
    model.scheduler.dynamic_shifting = false;
    model.scheduler.shift = 1;
  }
  model.text_encoder = TRY(find_clip(file));
  model.clip = TRY(config_or_detect(model.text_encoder, "text_encoder", clip_names(),
                                    parse_clip_config, detect_clip));
  model.text_encoder_2 = TRY(find_t5(file));
  model.t5 = TRY(config_or_detect(model.text_encoder_2, "text_encoder_2", t5_names(),
                                  parse_t5_config, detect_t5));
  return {};
}

Result<> find_tokenizers(const fs::path& file, ModelFolder& model) {
  if (model.family == kFlux2Klein) {
    model.tokenizer = TRY(find_tokenizer(file));
    return {};
  }
  for (const fs::path& folder : neighbourhood(file)) {
    if (!is_folder(folder / "tokenizer") || !is_folder(folder / "tokenizer_2")) continue;
    model.tokenizer = folder / "tokenizer";
    model.tokenizer_2 = folder / "tokenizer_2";
    return {};
  }
  return missing(file, "tokenizer/ and tokenizer_2/ beside it");
}

/// The configuration of a complete folder of the same family, as far as it lies around the file.
Result<> read_surroundings(const fs::path& file, ModelFolder& model) {
  if (const fs::path path = near(file, "model_index.json"); !path.empty()) {
    const std::string text = TRY(read_text(path, kMaxConfigBytes));
    ModelFolder stated;
    TRY(parse_model_index(text, stated));
    if (stated.family == model.family) {
      model.distilled = stated.distilled;
      model.cached_references = stated.cached_references;
      model.text = stated.text;
    }
  }
  if (const fs::path path = near(file, "scheduler/scheduler_config.json"); !path.empty()) {
    const std::string text = TRY(read_text(path, kMaxConfigBytes));
    model.scheduler = TRY(parse_scheduler_config(text, "scheduler/scheduler_config.json"));
  }
  apply_family_defaults(model);
  if (const fs::path path = near(file, "sampling.json"); !path.empty()) {
    const std::string text = TRY(read_text(path, kMaxConfigBytes));
    TRY(parse_sampling(text, model));
  }
  return {};
}

}  // namespace

Result<ModelFolder> open_single_file(const fs::path& file) {
  ModelFolder model;
  model.name = file.stem().string();
  model.transformer = file;
  // Every block of a FLUX.1 transformer has a modulation of its own, FLUX.2's share theirs.
  if (holds(file, flux1_names(), "transformer_blocks.0.norm1.linear.weight")) {
    model.family = kFlux1;
    TRY(open_flux1_parts(file, model));
  } else {
    model.family = kFlux2Klein;
    model.distilled = model.name.find("-base-") == std::string::npos;
    model.cached_references = model.name.ends_with("-kv");
    TRY(open_klein_parts(file, model));
  }
  model.vae = holds(file, vae_names(), "decoder.conv_in.weight") ? file : TRY(find_vae(file));
  model.vae_config =
      TRY(config_or_detect(model.vae, "vae", vae_names(), parse_vae_config, detect_vae));
  TRY(read_surroundings(file, model));
  TRY(find_tokenizers(file, model));
  TRY(check_parts(model));
  return model;
}

}  // namespace imagined::engine

#include "engine/families/model_folder.h"

#include <fmt/core.h>

#include "engine/families/family_defaults.h"
#include "engine/families/model_parts.h"
#include "engine/families/single_file.h"
#include "engine/formats/json.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;

/// A configuration file of a component, under the name that error messages use.
template <class Config>
Result<> read_config(const fs::path& root, const std::string& file,
                     Result<Config> (*parse)(std::string_view, std::string_view), Config& config) {
  const fs::path path = root / file;
  if (!is_file(path)) return missing(root, file);
  const std::string text = TRY(read_text(path, kMaxConfigBytes));
  config = TRY(parse(text, file));
  return {};
}

Result<> read_text_parts(const fs::path& root, ModelFolder& model) {
  model.text_encoder = root / "text_encoder";
  if (model.family == kFlux2Klein) {
    model.tokenizer = TRY(find_tokenizer(root));
    return read_config(root, "text_encoder/config.json", parse_qwen3_config, model.qwen3);
  }
  for (const char* part : {"text_encoder_2", "tokenizer_2"})
    if (!is_folder(root / part)) return missing(root, fmt::format("{}/", part));
  model.text_encoder_2 = root / "text_encoder_2";
  model.tokenizer = root / "tokenizer";
  model.tokenizer_2 = root / "tokenizer_2";
  TRY(read_config(root, "text_encoder/config.json", parse_clip_config, model.clip));
  return read_config(root, "text_encoder_2/config.json", parse_t5_config, model.t5);
}

Result<ModelFolder> open_diffusers(const fs::path& root) {
  ModelFolder model;
  model.name = last_name(root);
  const std::string index = TRY(read_text(root / "model_index.json", kMaxConfigBytes));
  TRY(parse_model_index(index, model));
  for (const char* part : {"transformer", "text_encoder", "vae", "tokenizer", "scheduler"})
    if (!is_folder(root / part)) return missing(root, fmt::format("{}/", part));
  model.transformer = root / "transformer";
  model.vae = root / "vae";
  TRY(model.family == kFlux1
          ? read_config(root, "transformer/config.json", parse_flux1_config, model.flux1)
          : read_config(root, "transformer/config.json", parse_flux2_config, model.flux2));
  TRY(read_config(root, "vae/config.json", parse_vae_config, model.vae_config));
  TRY(read_config(root, "scheduler/scheduler_config.json", parse_scheduler_config,
                  model.scheduler));
  TRY(read_text_parts(root, model));
  apply_family_defaults(model);
  if (is_file(root / "sampling.json")) {
    const std::string sampling = TRY(read_text(root / "sampling.json", kMaxConfigBytes));
    TRY(parse_sampling(sampling, model));
  }
  TRY(check_parts(model));
  return model;
}

bool is_tokenizer_folder(const fs::path& folder) {
  return is_file(folder / "tokenizer.json") ||
         (is_file(folder / "vocab.json") && is_file(folder / "merges.txt"));
}

tl::unexpected<Error> refuse(std::string message) {
  return fail(ErrorCode::invalid_argument, std::move(message));
}

Result<> check_channels(const ModelFolder& model, std::int64_t in, std::int64_t out) {
  const std::int64_t channels = 4 * model.vae_config.latent_channels;
  if (in == channels && out == channels) return {};
  return refuse(fmt::format(
      "the transformer takes {} channels and gives {}, expected {} (2x2 patches of {} latent "
      "channels)",
      in, out, channels, model.vae_config.latent_channels));
}

/// FLUX.2's VAE normalises by batch statistics, FLUX.1's by two numbers.
Result<> check_vae(const ModelFolder& model, bool scaled) {
  if (model.vae_config.scaling_factor.has_value() == scaled) return {};
  return refuse(scaled ? "the VAE has no scaling_factor: it is not one of FLUX.1"
                       : "the VAE has a scaling_factor: it is one of FLUX.1, not of FLUX.2");
}

Result<> check_flux2_klein(const ModelFolder& model) {
  const auto taps = static_cast<std::int64_t>(model.text.taps.size());
  for (const std::int64_t tap : model.text.taps)
    if (tap > model.qwen3.layers)
      return refuse(fmt::format("text_encoder_out_layers: {}, but the text encoder has {} layers",
                                tap, model.qwen3.layers));
  if (taps * model.qwen3.hidden_size != model.flux2.context_size)
    return refuse(fmt::format(
        "joint_attention_dim is {}, expected {} ({} taps of text features of width {})",
        model.flux2.context_size, taps * model.qwen3.hidden_size, taps, model.qwen3.hidden_size));
  TRY(check_vae(model, false));
  return check_channels(model, model.flux2.in_channels, model.flux2.out_channels);
}

Result<> check_flux1(const ModelFolder& model) {
  if (model.t5.hidden_size != model.flux1.context_size)
    return refuse(fmt::format("joint_attention_dim is {}, but T5's features are {} wide",
                              model.flux1.context_size, model.t5.hidden_size));
  if (model.clip.hidden_size != model.flux1.pooled_size)
    return refuse(fmt::format("pooled_projection_dim is {}, but CLIP's vector is {} wide",
                              model.flux1.pooled_size, model.clip.hidden_size));
  TRY(check_vae(model, true));
  return check_channels(model, model.flux1.channels, model.flux1.channels);
}

}  // namespace

Result<> check_parts(const ModelFolder& model) {
  if (model.family == kFlux1) return check_flux1(model);
  return check_flux2_klein(model);
}

Result<ModelFolder> open_model(const fs::path& path) {
  if (is_folder(path)) {
    // The single file may stand in the root of a folder whose transformer/ was left out.
    const bool complete = is_file(path / "model_index.json");
    if (complete && holds_weights(path / "transformer")) return open_diffusers(path);
    const Result<fs::path> file = only_transformer(path);
    if (file) return open_single_file(*file);
    if (complete) return open_diffusers(path);  // which says what is missing
    return tl::unexpected(file.error());
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

#include "engine/families/model_parts.h"

#include <fmt/core.h>

#include "base/text.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;

std::string lower_name(const fs::path& path) { return ascii_lower(path.filename().string()); }

constexpr std::string_view kQwen = "qwen";
constexpr std::string_view kClip = "clip";
constexpr std::string_view kT5 = "t5";

bool is_text_encoder_name(const fs::path& path) {
  const std::string name = lower_name(path);
  return name.starts_with(kQwen) || name.starts_with(kClip) || name.starts_with(kT5);
}

/// A diffusers folder with weights, or a file whose name begins so, around `file`; else empty.
fs::path find_encoder(const fs::path& file, const char* folder_name, std::string_view begin) {
  for (const fs::path& folder : neighbourhood(file)) {
    if (holds_weights(folder / folder_name)) return folder / folder_name;
    for (const fs::path& place : {folder / "text_encoders", folder})
      for (const fs::path& candidate : weight_files_in(place))
        if (lower_name(candidate).starts_with(begin)) return candidate;
  }
  return {};
}

bool is_vae_name(const fs::path& path) {
  const std::string name = lower_name(path);
  return name.starts_with("ae.") || name.find("vae") != std::string::npos ||
         name == "full_encoder_small_decoder.safetensors";
}

}  // namespace

std::vector<fs::path> neighbourhood(const fs::path& file) {
  const fs::path folder = fs::absolute(file).lexically_normal().parent_path();
  return {folder, folder.parent_path()};
}

bool holds_weights(const fs::path& folder) {
  for (const char* index :
       {"model.safetensors.index.json", "diffusion_pytorch_model.safetensors.index.json"})
    if (is_file(folder / index)) return true;
  return !weight_files_in(folder).empty();
}

Result<fs::path> find_text_encoder(const fs::path& file) {
  if (fs::path found = find_encoder(file, "text_encoder", kQwen); !found.empty()) return found;
  return missing(file, "a text encoder beside it (text_encoder/, qwen*.safetensors or qwen*.gguf)");
}

Result<fs::path> find_clip(const fs::path& file) {
  if (fs::path found = find_encoder(file, "text_encoder", kClip); !found.empty()) return found;
  return missing(file, "CLIP's text encoder beside it (text_encoder/ or clip*.safetensors)");
}

Result<fs::path> find_t5(const fs::path& file) {
  if (fs::path found = find_encoder(file, "text_encoder_2", kT5); !found.empty()) return found;
  return missing(file, "T5's encoder beside it (text_encoder_2/ or t5*.safetensors)");
}

Result<fs::path> find_vae(const fs::path& file) {
  for (const fs::path& folder : neighbourhood(file)) {
    if (is_file(folder / "vae" / "config.json")) return folder / "vae";
    for (const fs::path& candidate : weight_files_in(folder / "vae")) return candidate;
    for (const char* name : {"ae.safetensors", "full_encoder_small_decoder.safetensors"})
      if (is_file(folder / name)) return folder / name;
    for (const fs::path& candidate : weight_files_in(folder))
      if (is_vae_name(candidate)) return candidate;
  }
  return missing(file, "a VAE beside it (vae/, ae.safetensors or *vae*.safetensors)");
}

Result<fs::path> only_transformer(const fs::path& root) {
  for (const fs::path& place :
       {root / "split_files" / "diffusion_models", root / "diffusion_models", root}) {
    std::vector<fs::path> files = weight_files_in(place);
    std::erase_if(files, [](const fs::path& path) {
      return is_text_encoder_name(path) || is_vae_name(path);
    });
    if (files.size() == 1) return files.front();
    if (files.size() > 1)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}: no model_index.json and {} weight files; name one of them",
                              last_name(root), files.size()),
                  {}, root.string());
  }
  return missing(root, "model_index.json");
}

}  // namespace imagined::engine

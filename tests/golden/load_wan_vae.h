// The recorded Wan's autoencoder alone.
#pragma once

#include <filesystem>
#include <memory>

#include "base/file.h"
#include "engine/formats/json.h"
#include "engine/formats/weight_source.h"
#include "engine/models/wan_vae/wan_vae.h"
#include "engine/models/wan_vae/wan_vae_names.h"
#include "golden/expect_stat.h"

namespace imagined::engine::golden {

inline std::unique_ptr<WanVae> load_wan_vae(const Context& context, NumberFormat format) {
  const auto folder = std::filesystem::path(IMAGINED_SOURCE_DIR) / "tests/golden/d2/vae";
  const std::string text = value_of(read_file(folder / "config.json", kMaxConfigBytes));
  auto source = std::make_shared<WeightSource>(value_of(
      WeightSource::open(folder / "diffusion_pytorch_model.safetensors", wan_vae_names())));
  WeightLoader weights(context, std::move(source), format);
  return value_of(WanVae::load(weights, value_of(parse_wan_vae_config(text, "config.json"))));
}

}  // namespace imagined::engine::golden

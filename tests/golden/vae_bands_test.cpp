// Decoding in bands of rows: no seam, because not a bit differs.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <string>

#include "base/check.h"
#include "base/file.h"
#include "engine/formats/json.h"
#include "engine/formats/weight_source.h"
#include "engine/models/vae/vae.h"
#include "engine/models/vae/vae_names.h"

namespace imagined::engine {
namespace {

/// With four levels of different widths, so that there are shortcuts and enlargements at each.
Vae load_vae(const Context& context, NumberFormat format) {
  const auto folder = std::filesystem::path(IMAGINED_SOURCE_DIR) / "tests/golden/b2/vae";
  const auto text = read_file(folder / "config.json", kMaxConfigBytes);
  CHECK(text.has_value(), "no configuration");
  const auto config = parse_vae_config(*text, "config.json");
  CHECK(config.has_value(), "{}", config.error().message);
  auto source = WeightSource::open(folder / "diffusion_pytorch_model.safetensors", vae_names());
  CHECK(source.has_value(), "{}", source.error().message);
  WeightLoader weights(context, std::make_shared<WeightSource>(std::move(*source)), format);
  auto vae = Vae::load(weights, *config);
  CHECK(vae.has_value(), "{}", vae.error().message);
  return std::move(*vae);
}

TEST(VaeBands, DecodeToTheSameBitsAsTheWholePicture) {
  constexpr std::int64_t kRows = 5;
  constexpr std::int64_t kCols = 3;
  const Context context({.threads = 2});
  for (const NumberFormat format : {NumberFormat::exact(), NumberFormat::fast(context.cpu())}) {
    const Vae vae = load_vae(context, format);
    Tensor tokens(kRows * kCols, 20);
    std::mt19937 bits(3);
    std::normal_distribution<float> normal;
    for (float& value : tokens.values()) value = normal(bits);
    const auto decode = [&](std::int64_t band_bytes) {
      ActivationPool pool;
      auto picture = vae.decode(context, tokens, kRows, kCols, pool, {}, band_bytes);
      CHECK(picture.has_value(), "{}", picture.error().message);
      return std::move(*picture);
    };
    const Tensor whole = decode(Vae::kBandBytes);
    for (const std::int64_t band_bytes : {1, 7'000}) {  // one row, and some
      const Tensor bands = decode(band_bytes);
      EXPECT_EQ(0, std::memcmp(whole.row(0), bands.row(0), whole.values().size_bytes()))
          << band_bytes;
    }
  }
}

}  // namespace
}  // namespace imagined::engine

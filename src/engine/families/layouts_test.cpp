// The same model in both layouts, written by tools/random_weights.py, gives the same weights.
#include <fmt/core.h>
#include <gmock/gmock.h>

#include <cstdlib>

#include "engine/families/families.h"
#include "engine/families/flux2_klein/plan.h"
#include "engine/formats/folder.h"
#include "engine/formats/gguf_test_files.h"
#include "engine/formats/test_files.h"
#include "engine/models/flux2/flux2_names.h"
#include "engine/models/qwen3/qwen3_names.h"
#include "engine/models/vae/vae_names.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;

bool write_model(const fs::path& out, std::string_view options) {
  const std::string command =
      fmt::format("python3 '{}/tools/random_weights.py' '{}' --shape tiny {} > /dev/null",
                  IMAGINED_SOURCE_DIR, out.string(), options);
  return std::system(command.c_str()) == 0;
}

/// All bytes of a weight, its parts joined.
std::string bytes_of(WeightSource& source, const std::string& name) {
  const std::vector<std::int64_t> shape = source.shape(name);
  const Result<Weight> weight = source.require(name, shape);
  EXPECT_TRUE(weight.has_value()) << (weight ? "" : weight.error().message);
  std::string out = to_string(shape) + " ";
  if (!weight) return out;
  for (const StoredRows& part : weight->parts)
    out.append(reinterpret_cast<const char*>(part.bytes().data()), part.bytes().size());
  return out;
}

void expect_same(const fs::path& a, const fs::path& b, const NameTable& network) {
  Result<WeightSource> first = WeightSource::open(a, network);
  Result<WeightSource> second = WeightSource::open(b, network);
  ASSERT_TRUE(first.has_value()) << first.error().message;
  ASSERT_TRUE(second.has_value()) << second.error().message;
  ASSERT_EQ(first->names(), second->names());
  for (const std::string& name : first->names())
    EXPECT_EQ(bytes_of(*first, name), bytes_of(*second, name)) << name;
}

/// Rewrites every safetensors file of a folder as GGUF.
void turn_into_gguf(const fs::path& folder, std::string (*rename)(std::string) = nullptr) {
  for (const fs::path& path : weight_files_in(folder)) {
    const Result<WeightFile> file = WeightFile::open(path);
    ASSERT_TRUE(file.has_value()) << file.error().message;
    std::ofstream(fs::path(path).replace_extension(".gguf"), std::ios::binary)
        << gguf_of(file->tensors(), StoreAs::as_they_were, rename);
    fs::remove(path);
  }
}

bool has_python() {
  return std::system("python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2> /dev/null") ==
         0;
}

TEST(Layouts, OfTheSameModelGiveTheSameWeightsAndConfiguration) {
  if (!has_python()) GTEST_SKIP() << "no python3";
  const TestFolder folder;
  ASSERT_TRUE(write_model(folder.path() / "d", "--shard-bytes 200000"));
  ASSERT_TRUE(write_model(folder.path() / "b", "--layout bfl"));
  const Result<ModelPlan> diffusers = open_model(folder.path() / "d");
  ASSERT_TRUE(diffusers.has_value()) << diffusers.error().message;
  const Result<ModelPlan> bfl = open_model(folder.path() / "b" / "flux-2-tiny.safetensors");
  ASSERT_TRUE(bfl.has_value()) << bfl.error().message;
  expect_same(diffusers->part("transformer").path, bfl->part("transformer").path, flux2_names());
  expect_same(diffusers->part("text_encoder").path, bfl->part("text_encoder").path, qwen3_names());
  expect_same(diffusers->part("vae").path, bfl->part("vae").path, vae_names());
  EXPECT_EQ(bfl->own_as<KleinPlan>().transformer.width(),
            diffusers->own_as<KleinPlan>().transformer.width());
  EXPECT_EQ(bfl->own_as<KleinPlan>().transformer.mlp_size,
            diffusers->own_as<KleinPlan>().transformer.mlp_size);
  EXPECT_EQ(bfl->own_as<KleinPlan>().transformer.rope_axes,
            diffusers->own_as<KleinPlan>().transformer.rope_axes);
  EXPECT_EQ(bfl->own_as<KleinPlan>().transformer.context_size,
            diffusers->own_as<KleinPlan>().transformer.context_size);
  EXPECT_EQ(bfl->vae.encoder_channels, diffusers->vae.encoder_channels);
  EXPECT_EQ(bfl->vae.decoder_channels, diffusers->vae.decoder_channels);
  EXPECT_EQ(bfl->vae.latent_channels, diffusers->vae.latent_channels);
  EXPECT_EQ(bfl->vae.layers_per_block, diffusers->vae.layers_per_block);
  EXPECT_EQ(bfl->vae.mid_attention, diffusers->vae.mid_attention);
  EXPECT_EQ(bfl->distilled.value, diffusers->distilled.value);
}

TEST(Layouts, InGgufGiveTheSameWeights) {
  if (!has_python()) GTEST_SKIP() << "no python3";
  const TestFolder folder;
  ASSERT_TRUE(write_model(folder.path() / "d", ""));
  ASSERT_TRUE(write_model(folder.path() / "b", "--layout bfl"));
  turn_into_gguf(folder.path() / "b");
  turn_into_gguf(folder.path() / "b" / "text_encoder", llama_name);
  const Result<ModelPlan> diffusers = open_model(folder.path() / "d");
  ASSERT_TRUE(diffusers.has_value()) << diffusers.error().message;
  const Result<ModelPlan> gguf = open_model(folder.path() / "b");
  ASSERT_TRUE(gguf.has_value()) << gguf.error().message;
  EXPECT_EQ(gguf->part("transformer").path.filename(), "flux-2-tiny.gguf");
  EXPECT_EQ(gguf->part("vae").path.filename(), "ae.gguf");
  expect_same(diffusers->part("transformer").path, gguf->part("transformer").path, flux2_names());
  expect_same(diffusers->part("text_encoder").path, gguf->part("text_encoder").path, qwen3_names());
  expect_same(diffusers->part("vae").path, gguf->part("vae").path, vae_names());
}

}  // namespace
}  // namespace imagined::engine

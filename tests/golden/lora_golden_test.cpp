// Adapters on the small models of the recorded runs, against what diffusers makes of them; the same
// adapter in every layout that people have.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/folder_testing.h"
#include "engine/families/bfl_names_testing.h"
#include "engine/families/wan/wan_names_testing.h"
#include "engine/formats/adapter_file.h"
#include "engine/formats/safetensors.h"
#include "engine/formats/safetensors_write.h"
#include "engine/lab/recording.h"
#include "golden/expect_run.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;

fs::path golden_folder() { return fs::path(IMAGINED_SOURCE_DIR) / "tests" / "golden"; }
fs::path lora(const std::string& name) {
  return golden_folder() / "loras" / (name + ".safetensors");
}

CheckRequest request_for(const std::string& run, std::vector<LoraChoice> loras) {
  CheckRequest request{.model = golden_folder() / run.substr(0, run.find('-')),
                       .golden = golden_folder() / "loras" / (run + ".golden.safetensors"),
                       .threads = 2};
  request.choices.loras = std::move(loras);
  return request;
}

TEST(LoraRun, AgreesWithDiffusers) {
  expect_agrees(request_for("a3-lora", {{lora("a3-lora"), 0.7f}}));
  expect_agrees(request_for("b2-lora", {{lora("b2-lora"), 0.8f}}));
  expect_agrees(request_for("d2-lora", {{lora("d2-lora"), 0.8f}}));
}

TEST(LoraRun, OfWeightsInPlaceAgreesToo) {
  for (const char* matmul : {"", ",matmul=avx2", ",matmul=reference"}) {
    CheckRequest request = request_for("a3-lora", {{lora("a3-lora"), 0.7f}});
    request.implementations = std::string("weights=in_place") + matmul;
    expect_agrees(request);
  }
}

TEST(LoraRun, AgreesInBf16WithinTheDerivedTolerance) {
  CheckRequest request = request_for("a3-lora", {{lora("a3-lora"), 0.7f}});
  request.precision = Precision::bf16;
  expect_agrees(request);
}

TEST(LoraRun, IsAnotherWithoutItsAdapters) {
  for (const char* run : {"a3-lora", "a3-dora", "a3-lokr", "b2-lora", "d2-lora"}) {
    const auto report = check_model(request_for(run, {}));
    ASSERT_TRUE(report.has_value()) << report.error().message;
    for (const TensorCheck& check : report->tensors) {
      if (check.name == "velocity_0") {
        EXPECT_GT(check.relative_rms, 0.1) << run;
      }
    }
  }
}

TEST(LoraRun, FailsAtAnotherStrength) {
  const auto report = check_model(request_for("a3-lora", {{lora("a3-lora"), 0.69f}}));
  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_FALSE(report->passed);
}

TEST(DoraRun, BesideALoraAgreesWithDiffusers) {
  for (const char* weights : {"packed", "in_place"}) {
    CheckRequest request =
        request_for("a3-dora", {{lora("a3-dora"), 1.0f}, {lora("a3-lora"), -0.5f}});
    request.implementations = std::string("weights=") + weights;
    expect_agrees(request);
  }
}

TEST(LokrRun, AgreesWithDiffusers) {
  for (const char* weights : {"packed", "in_place"}) {
    CheckRequest request = request_for("a3-lokr", {{lora("a3-lokr"), 1.0f}});
    request.implementations = std::string("weights=") + weights;
    expect_agrees(request);
  }
}

// ---- layouts ------------------------------------------------------------------------------------

/// One layer of an adapter.
struct Layer {
  std::string name;
  Tensor down;  // [r, k]
  Tensor up;    // [n, r]
  float alpha = 0;
};
using Layers = std::vector<Layer>;

Tensor numbers_of(const FileTensor& tensor) {
  Tensor out(tensor.shape[0], tensor.shape[1]);
  decode_rows(tensor.stored_rows(0, out.rows(), out.cols()), out);
  return out;
}

/// The layers of a recorded adapter by diffusers' names.
std::map<std::string, Layer> layers_of(const fs::path& path) {
  const auto file = AdapterFile::open(path);
  CHECK(file.has_value(), "{}", file.error().message);
  std::map<std::string, Layer> layers;
  for (const AdapterModule& module : (*file)->modules()) {
    const std::string name = module.name.substr(std::string("transformer.").size());
    Layer layer{.name = name, .down = numbers_of(*module.down), .up = numbers_of(*module.up)};
    layer.alpha = static_cast<float>(module.scale * static_cast<double>(layer.down.rows()));
    layers.emplace(name, std::move(layer));
  }
  return layers;
}

Tensor copy_of(const Tensor& from) {
  Tensor out(from.rows(), from.cols());
  std::ranges::copy(from.values(), out.values().begin());
  return out;
}

/// Layers that share their `down` as one.
Layer fused(std::string name, const std::vector<const Layer*>& parts) {
  std::int64_t rows = 0;
  for (const Layer* part : parts) rows += part->up.rows();
  Layer out{.name = std::move(name),
            .down = copy_of(parts[0]->down),
            .up = Tensor(rows, parts[0]->up.cols()),
            .alpha = parts[0]->alpha};
  auto to = out.up.values().begin();
  for (const Layer* part : parts) to = std::ranges::copy(part->up.values(), to).out;
  return out;
}

/// As a trainer of the single file's own layers would have it: fused where that is, and with the
/// last modulation's halves in the single file's order.
Layers in_single_file_names(const std::map<std::string, Layer>& layers,
                            const std::vector<BflLayer>& table) {
  Layers out;
  std::size_t used = 0;
  for (const BflLayer& row : table) {
    for (int block = 0; block < 3; ++block) {
      std::vector<const Layer*> parts;
      for (const std::string& name : row.diffusers)
        if (const auto found = layers.find(at_block(name, block)); found != layers.end())
          parts.push_back(&found->second);
      if (parts.empty()) continue;
      used += parts.size();
      out.push_back(fused(at_block(row.bfl, block), parts));
      if (row.bfl == "final_layer.adaLN_modulation.1") {
        const auto values = out.back().up.values();
        std::ranges::rotate(values, values.begin() + std::ssize(values) / 2);
      }
      if (row.bfl.find(".N.") == std::string::npos) break;
    }
  }
  CHECK(used == layers.size(), "{} of {} layers renamed", used, layers.size());
  return out;
}

Layers as_they_are(const std::map<std::string, Layer>& layers) {
  Layers out;
  for (const auto& [name, layer] : layers) out.push_back(fused(name, {&layer}));
  return out;
}

/// As trainers of Wan's own files have them (ComfyUI, musubi-tuner, diffusion-pipe).
Layers in_own_wan_names(const std::map<std::string, Layer>& layers) {
  Layers out = as_they_are(layers);
  for (Layer& layer : out) layer.name = own_wan_name(layer.name);
  return out;
}

struct Spelling {
  std::string prefix;
  std::string down = ".lora_A.weight";
  std::string up = ".lora_B.weight";
  bool flattened = false;
  bool alpha = false;  // as tensors; else it is in `up`
};

class LoraLayout : public testing::Test {
 protected:
  fs::path write(Layers layers, const Spelling& spelling) const {
    std::vector<TensorToWrite> tensors;
    const auto add = [&](const std::string& name, std::vector<std::int64_t> shape,
                         std::span<const float> values) {
      tensors.push_back({.name = name, .shape = std::move(shape), .bytes = std::as_bytes(values)});
    };
    for (Layer& layer : layers) {
      std::string name = layer.name;
      if (spelling.flattened) std::ranges::replace(name, '.', '_');
      name = spelling.prefix + name;
      if (spelling.alpha) {
        add(name + ".alpha", {}, std::span(&layer.alpha, 1));
      } else {
        const float factor = layer.alpha / static_cast<float>(layer.down.rows());
        for (float& value : layer.up.values()) value *= factor;
      }
      add(name + spelling.down, {layer.down.rows(), layer.down.cols()}, layer.down.values());
      add(name + spelling.up, {layer.up.rows(), layer.up.cols()}, layer.up.values());
    }
    fs::path path = folder_.path() / "lora.safetensors";
    const auto written = write_safetensors(path, tensors);
    CHECK(written.has_value(), "{}", written.error().message);
    return path;
  }

  void expect_same_run(const std::string& run, float scale, Layers layers,
                       const Spelling& spelling) const {
    SCOPED_TRACE(run + " as " + spelling.prefix + spelling.down);
    expect_agrees(request_for(run, {{write(std::move(layers), spelling), scale}}));
  }

  const TestFolder folder_;
  const std::map<std::string, Layer> flux2_ = layers_of(lora("a3-lora"));
  const std::map<std::string, Layer> flux1_ = layers_of(lora("b2-lora"));
  const std::map<std::string, Layer> wan_ = layers_of(lora("d2-lora"));
};

TEST_F(LoraLayout, OfPeftWithoutMetadata) {
  for (const char* prefix : {"transformer.", "base_model.model.", "", "diffusion_model."})
    expect_same_run("a3-lora", 0.7f, as_they_are(flux2_), {.prefix = prefix});
  expect_same_run("b2-lora", 0.8f, as_they_are(flux1_), {.prefix = "transformer."});
  expect_same_run("a3-lora", 0.7f, as_they_are(flux2_),
                  {.prefix = "transformer.",
                   .down = ".lora_A.default_0.weight",
                   .up = ".lora_B.default_0.weight"});
}

TEST_F(LoraLayout, OfKohya) {
  const Spelling kohya{.prefix = "lora_unet_",
                       .down = ".lora_down.weight",
                       .up = ".lora_up.weight",
                       .flattened = true,
                       .alpha = true};
  expect_same_run("a3-lora", 0.7f, in_single_file_names(flux2_, flux2_bfl_layers()), kohya);
  expect_same_run("b2-lora", 0.8f, in_single_file_names(flux1_, flux1_bfl_layers()), kohya);
  expect_same_run("d2-lora", 0.8f, in_own_wan_names(wan_), kohya);
}

TEST_F(LoraLayout, OfAiToolkitAndBfl) {
  expect_same_run("a3-lora", 0.7f, in_single_file_names(flux2_, flux2_bfl_layers()),
                  {.prefix = "diffusion_model."});
  expect_same_run("b2-lora", 0.8f, in_single_file_names(flux1_, flux1_bfl_layers()),
                  {.prefix = ""});
  expect_same_run("d2-lora", 0.8f, in_own_wan_names(wan_), {.prefix = "diffusion_model."});
}

/// Of the d2-lora as nothing but sums of its products, which ComfyUI calls differences.
TEST_F(LoraLayout, OfWholeDifferences) {
  std::vector<TensorToWrite> tensors;
  std::vector<Tensor> sums;
  sums.reserve(wan_.size());
  for (const auto& [name, layer] : wan_) {
    Tensor& sum = sums.emplace_back(Tensor::zeros(layer.up.rows(), layer.down.cols()));
    const std::int64_t rank = layer.down.rows();
    for (std::int64_t r = 0; r < sum.rows(); ++r)
      for (std::int64_t i = 0; i < rank; ++i)
        for (std::int64_t c = 0; c < sum.cols(); ++c)
          sum.row(r)[c] +=
              layer.up.row(r)[i] * layer.down.row(i)[c] * layer.alpha / static_cast<float>(rank);
    tensors.push_back({.name = "diffusion_model." + own_wan_name(name) + ".diff",
                       .shape = {sum.rows(), sum.cols()},
                       .bytes = std::as_bytes(std::as_const(sum).values())});
  }
  const fs::path path = folder_.path() / "differences.safetensors";
  ASSERT_TRUE(write_safetensors(path, tensors).has_value());
  expect_agrees(request_for("d2-lora", {{path, 0.8f}}));
}

/// A recorded model with numbers added to vectors of its transformer, by itself and by an adapter.
class VectorDifferences : public testing::Test {
 protected:
  static constexpr float kAdded = 0.125f;
  /// Of diffusers' names, and what ComfyUI's files call the differences.
  const std::map<std::string, std::string> vectors_ = {
      {"blocks.0.attn1.to_q.bias", "blocks.0.self_attn.q.diff_b"},
      {"blocks.1.attn2.norm_k.weight", "blocks.1.cross_attn.norm_k.diff"},
      {"blocks.0.norm2.bias", "blocks.0.norm3.diff_b"},
      {"blocks.1.scale_shift_table", "blocks.1.diff_m"},
      {"scale_shift_table", "head.diff_m"},
      {"proj_out.bias", "head.head.diff_b"}};

  image::Picture still(const fs::path& model, std::vector<LoraChoice> loras) const {
    LoadOptions options{.path = model, .precision = Precision::f32, .threads = 2};
    options.choices.loras = std::move(loras);
    const auto engine = Engine::load(options);
    CHECK(engine.has_value(), "{}", engine.error().message);
    auto picture = (*engine)->generate(
        {.prompt = "a red house", .width = 64, .height = 64, .seed = 7}, {}, {});
    CHECK(picture.has_value(), "{}", picture.error().message);
    return std::move(*picture);
  }

  const TestFolder folder_;
};

TEST_F(VectorDifferences, AreThoseOfTheModelItself) {
  const fs::path changed = folder_.path() / "d2";
  fs::copy(golden_folder() / "d2", changed, fs::copy_options::recursive);
  const fs::path weights = changed / "transformer" / "diffusion_pytorch_model.safetensors";
  const auto file =
      SafetensorsFile::open(golden_folder() / "d2" / "transformer" / weights.filename());
  ASSERT_TRUE(file.has_value()) << file.error().message;
  std::vector<TensorToWrite> tensors;
  std::vector<TensorToWrite> differences;
  std::vector<std::vector<float>> sums;
  sums.reserve(vectors_.size());
  const std::vector<float> doubled(1 << 12, 2 * kAdded);
  for (const FileTensor& tensor : file->tensors()) {
    tensors.push_back({tensor.name, tensor.dtype, tensor.shape, tensor.bytes});
    const auto found = vectors_.find(tensor.name);
    if (found == vectors_.end()) continue;
    std::vector<float>& sum = sums.emplace_back(values_of<float>(tensor));
    for (float& value : sum) value += kAdded;
    tensors.back().bytes = std::as_bytes(std::span(sum));
    differences.push_back({.name = "diffusion_model." + found->second,
                           .shape = tensor.shape,
                           .bytes = std::as_bytes(std::span(doubled).first(sum.size()))});
  }
  ASSERT_EQ(differences.size(), vectors_.size());
  ASSERT_TRUE(write_safetensors(weights, tensors).has_value());
  const fs::path adapter = folder_.path() / "differences.safetensors";
  ASSERT_TRUE(write_safetensors(adapter, differences).has_value());
  const image::Picture expected = still(changed, {});
  EXPECT_EQ(still(golden_folder() / "d2", {{adapter, 0.5f}}).pixels, expected.pixels);
  EXPECT_NE(still(golden_folder() / "d2", {}).pixels, expected.pixels);
}

TEST_F(LoraLayout, OfOneTrainer) {
  const Spelling one_trainer{.prefix = "lora_transformer_",
                             .down = ".lora_down.weight",
                             .up = ".lora_up.weight",
                             .flattened = true,
                             .alpha = true};
  expect_same_run("a3-lora", 0.7f, as_they_are(flux2_), one_trainer);
  expect_same_run("b2-lora", 0.8f, as_they_are(flux1_), one_trainer);
}

TEST_F(LoraLayout, WithItsBlocksNamesCut) {
  Layers layers = as_they_are(flux2_);
  for (Layer& layer : layers)
    if (layer.name.starts_with("transformer_blocks."))
      layer.name.erase(0, std::string("tran").size());
  expect_same_run("a3-lora", 0.7f, std::move(layers), {.prefix = "diffusion_model."});
}

// ---- what does not fit --------------------------------------------------------------------------

std::string error_of(const CheckRequest& request) {
  const auto report = check_model(request);
  return report.has_value() ? "no error" : report.error().message;
}

TEST(LoraOfAnotherModel, IsRefusedByTheFirstTensorThatDoesNotFit) {
  CheckRequest request = request_for("a3-lora", {{lora("b2-lora"), 1.0f}});
  EXPECT_THAT(error_of(request),
              testing::AllOf(testing::HasSubstr("b2-lora.safetensors"),
                             testing::HasSubstr("lora_A.weight"), testing::HasSubstr("b2-lora")));
  request.model = golden_folder() / "a4";  // of the same names and other widths
  request.choices.loras = {{lora("a3-lora"), 1.0f}};
  EXPECT_THAT(error_of(request), testing::AllOf(testing::HasSubstr("a3-lora.safetensors"),
                                                testing::HasSubstr("are needed")));
}

TEST_F(LoraLayout, WithLayersOfATextEncoderNamesThem) {
  Layers layers = as_they_are(flux1_);
  Layer text = fused("lora_te1_text_model_encoder_layers_0_mlp_fc1", {&layers.front()});
  layers.push_back(std::move(text));
  const fs::path path = write(std::move(layers), {.prefix = ""});
  LoadOptions options{.path = golden_folder() / "b2", .threads = 1};
  options.choices.loras = {{path, 1.0f}};
  const auto engine = Engine::load(options);
  ASSERT_TRUE(engine.has_value()) << engine.error().message;
  EXPECT_THAT(
      (*engine)->summary().notes,
      testing::Contains(testing::HasSubstr("lora_te1_text_model_encoder_layers_0_mlp_fc1")));
  const auto files = (*engine)->summary().files;
  EXPECT_TRUE(std::ranges::any_of(
      files, [&](const ModelFile& file) { return file.part == "lora" && file.path == path; }));
}

TEST_F(LoraLayout, OfTextEncodersAloneIsRefused) {
  Layers layers;
  layers.push_back(
      fused("lora_te1_text_model_encoder_layers_0_mlp_fc1", {&flux1_.begin()->second}));
  EXPECT_THAT(error_of(request_for("b2-lora", {{write(std::move(layers), {.prefix = ""}), 1.0f}})),
              testing::HasSubstr("text encoders alone"));
}

}  // namespace
}  // namespace imagined::engine

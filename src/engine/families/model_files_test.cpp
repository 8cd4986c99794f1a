// Which files of the layouts that people have become a model's parts, and what is said of the
// others.
#include "engine/families/model_files.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/families/families.h"
#include "engine/families/flux1/flux1_family.h"
#include "engine/families/flux1/plan.h"
#include "engine/families/flux2_dev/flux2_dev.h"
#include "engine/families/flux2_dev/plan.h"
#include "engine/families/flux2_klein/flux2_klein.h"
#include "engine/families/flux2_klein/plan.h"
#include "engine/families/small_models_testing.h"
#include "engine/formats/safetensors.h"
#include "engine/models/flux2/flux2_names.h"
#include "engine/models/vae/vae_names.h"

namespace imagined::engine {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
namespace fs = std::filesystem;

const fs::path kGolden = fs::path(IMAGINED_SOURCE_DIR) / "tests" / "golden";

TEST(SingleFile, IsReadFromTheShapesAndItsNeighbours) {
  const TestFolder folder;
  const fs::path file = folder.path() / "flux-2-klein-base-4b.safetensors";
  write_zeros(file, bfl_transformer());
  write_zeros(folder.path() / "ae.safetensors", bfl_vae());
  write_zeros(folder.path() / "qwen_3_4b.safetensors", text_encoder());
  write_tokenizer(folder, "tokenizer", TokenizerKind::qwen);
  const Result<ModelPlan> model = open_model(file);
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->name, "flux-2-klein-base-4b");
  EXPECT_FALSE(model->distilled.value);
  EXPECT_EQ(model->own_as<KleinPlan>().transformer.double_blocks, 2);
  EXPECT_EQ(model->own_as<KleinPlan>().transformer.single_blocks, 3);
  EXPECT_EQ(model->own_as<KleinPlan>().transformer.heads, 2);
  EXPECT_EQ(model->own_as<KleinPlan>().transformer.mlp_size, 192);
  EXPECT_EQ(model->own_as<KleinPlan>().transformer.context_size, 24);
  EXPECT_THAT(model->own_as<KleinPlan>().transformer.rope_axes, ElementsAre(8, 8, 8, 8));
  EXPECT_EQ(model->own_as<KleinPlan>().text_encoder.layers, 27);
  EXPECT_EQ(model->own_as<KleinPlan>().text_encoder.kv_heads, 2);
  EXPECT_THAT(model->vae.encoder_channels, ElementsAre(32, 64));
  EXPECT_THAT(model->vae.decoder_channels, ElementsAre(32, 96));
  EXPECT_TRUE(model->vae.mid_attention);
  EXPECT_FALSE(model->vae.post_quant_conv);
  EXPECT_EQ(model->vae.latent_channels, 4);
  EXPECT_EQ(model->part("tokenizer").path, folder.path() / "tokenizer");
}

TEST(SingleFile, CachesItsReferencesWhenItsNameEndsInKv) {
  const TestFolder folder;
  const fs::path file = folder.path() / "flux-2-klein-9b-kv.safetensors";
  write_zeros(file, bfl_transformer());
  write_zeros(folder.path() / "ae.safetensors", bfl_vae());
  write_zeros(folder.path() / "qwen_3_8b.safetensors", text_encoder());
  write_tokenizer(folder, "tokenizer", TokenizerKind::qwen);
  const Result<ModelPlan> model = open_model(file);
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_TRUE(model->own_as<KleinPlan>().transformer.cached_references);
}

TEST(SingleFile, OfFlux1IsToldByItsTensorsAndFindsItsParts) {
  const TestFolder folder;
  const fs::path root = folder.path() / "split_files";
  write_zeros(root / "diffusion_models" / "flux1-schnell.safetensors", flux1_transformer(64));
  write_zeros(root / "text_encoders" / "t5xxl_fp16.safetensors", t5_encoder());
  write_zeros(root / "text_encoders" / "clip_l.safetensors", clip_encoder(128));
  write_zeros(root / "vae" / "ae.safetensors", flux1_vae());
  write_tokenizer(folder, "split_files/tokenizer", TokenizerKind::clip);
  write_tokenizer(folder, "split_files/tokenizer_2", TokenizerKind::t5);
  const Result<ModelPlan> model = open_model(folder.path());
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->family, &kFlux1);
  EXPECT_EQ(model->own_as<Flux1Plan>().transformer.double_blocks, 1);
  EXPECT_EQ(model->own_as<Flux1Plan>().transformer.single_blocks, 2);
  EXPECT_THAT(model->own_as<Flux1Plan>().transformer.rope_axes, ElementsAre(4, 14, 14));
  EXPECT_EQ(model->part("text_encoder").path.filename(), "clip_l.safetensors");
  EXPECT_EQ(model->own_as<Flux1Plan>().clip.layers, 3);
  EXPECT_EQ(model->part("text_encoder_2").path.filename(), "t5xxl_fp16.safetensors");
  EXPECT_EQ(model->own_as<Flux1Plan>().t5.layers, 5);
  EXPECT_EQ(model->text.max_tokens, 256);
  EXPECT_FALSE(model->scheduler.dynamic_shifting);
  EXPECT_EQ(model->scheduler.shift, 1.0);
}

TEST(SingleFile, IsFoundInComfyUisFolders) {
  const TestFolder folder;
  const fs::path root = folder.path() / "split_files";
  write_zeros(root / "diffusion_models" / "flux-2-klein-4b.safetensors", bfl_transformer());
  write_zeros(root / "vae" / "flux2-vae.safetensors", bfl_vae());
  write_zeros(root / "text_encoders" / "qwen_3_4b.safetensors", text_encoder());
  write_tokenizer(folder, "split_files/tokenizer", TokenizerKind::qwen);
  const Result<ModelPlan> model = open_model(folder.path());
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_TRUE(model->distilled.value);
  EXPECT_EQ(model->part("vae").path.filename(), "flux2-vae.safetensors");
  EXPECT_EQ(model->part("text_encoder").path.filename(), "qwen_3_4b.safetensors");
  EXPECT_EQ(model->part("tokenizer").path, root / "tokenizer");
}

TEST(SingleFile, TakesWhatShapesCannotSayFromTheFolderAroundIt) {
  const TestFolder folder;
  write_zeros(folder.path() / "flux-2-klein-4b.safetensors", bfl_transformer());
  write_zeros(folder.path() / "ae.safetensors", bfl_vae());
  write_zeros(folder.path() / "qwen_3_4b.safetensors", text_encoder());
  write_tokenizer(folder, "tokenizer", TokenizerKind::qwen);
  json index = json::parse(bytes_in(kGolden / "a1" / "model_index.json"));
  index["is_distilled"] = false;
  index["max_sequence_length"] = 77;
  folder.write("model_index.json", index.dump());
  folder.write("scheduler/scheduler_config.json", R"({"use_dynamic_shifting": false, "shift": 2})");
  json transformer = {
      {"num_layers", 2},          {"num_single_layers", 3},           {"num_attention_heads", 2},
      {"attention_head_dim", 32}, {"joint_attention_dim", 24},        {"in_channels", 16},
      {"rope_theta", 500},        {"axes_dims_rope", {4, 12, 12, 4}}, {"guidance_embeds", false}};
  folder.write("transformer/config.json", transformer.dump());
  const Result<ModelPlan> model = open_model(folder.path());  // transformer/ has no weights
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->part("transformer").path.filename(), "flux-2-klein-4b.safetensors");
  EXPECT_FALSE(model->distilled.value);
  EXPECT_EQ(model->text.max_tokens, 77);
  EXPECT_EQ(model->scheduler.shift, 2.0);
  EXPECT_THAT(model->own_as<KleinPlan>().transformer.rope_axes, ElementsAre(4, 12, 12, 4));
  EXPECT_EQ(model->own_as<KleinPlan>().transformer.rope_theta, 500.0);
  transformer["num_layers"] = 7;  // another model's
  folder.write("transformer/config.json", transformer.dump());
  const Result<ModelPlan> other = open_model(folder.path());
  ASSERT_TRUE(other.has_value()) << other.error().message;
  EXPECT_THAT(other->own_as<KleinPlan>().transformer.rope_axes, ElementsAre(8, 8, 8, 8));
}

TEST(SingleFile, NamesThePartThatItCannotFind) {
  const TestFolder folder;
  const fs::path file = folder.path() / "inner" / "flux-2-klein-4b.safetensors";
  write_zeros(file, bfl_transformer());
  const auto message = [&] {
    const Result<ModelPlan> model = open_model(file);
    return model ? std::string() : model.error().message;
  };
  EXPECT_THAT(message(), HasSubstr("a Qwen3 text encoder beside it is missing"));
  write_zeros(folder.path() / "inner" / "qwen.safetensors", text_encoder());
  EXPECT_THAT(message(), HasSubstr("a VAE beside it is missing"));
  write_zeros(folder.path() / "inner" / "ae.safetensors", bfl_vae());
  EXPECT_THAT(message(), HasSubstr("tokenizer"));
}

TEST(SingleFile, AsksForAConfigurationWhereTheRopeAxesCannotBeGuessed) {
  const TestFolder folder;
  const fs::path file = folder.path() / "flux1-tiny.safetensors";
  fs::copy(kGolden / "b1" / "transformer" / "diffusion_pytorch_model.safetensors", file);
  for (const char* part : {"text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "vae"})
    fs::copy(kGolden / "b1" / part, folder.path() / part, fs::copy_options::recursive);
  const Result<ModelPlan> without = open_model(file);
  ASSERT_FALSE(without.has_value());
  EXPECT_THAT(without.error().message, HasSubstr("transformer/config.json"));
  fs::create_directories(folder.path() / "transformer");
  fs::copy(kGolden / "b1" / "transformer" / "config.json",
           folder.path() / "transformer" / "config.json");
  const Result<ModelPlan> with = open_model(file);
  ASSERT_TRUE(with.has_value()) << with.error().message;
  EXPECT_EQ(with->own_as<Flux1Plan>().transformer.rope_axes,
            open_model(kGolden / "b1")->own_as<Flux1Plan>().transformer.rope_axes);
}

TEST(SingleFile, OfFlux1TakesAReferenceByTheWordKontext) {
  const TestFolder folder;
  for (const char* part : {"text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2", "vae"})
    fs::copy(kGolden / "b2" / part, folder.path() / part, fs::copy_options::recursive);
  fs::create_directories(folder.path() / "transformer");
  fs::copy(kGolden / "b2" / "transformer" / "config.json",
           folder.path() / "transformer" / "config.json");
  const auto references = [&](const char* name) {
    const fs::path file = folder.path() / name;
    fs::copy(kGolden / "b2" / "transformer" / "diffusion_pytorch_model.safetensors", file);
    const Result<ModelPlan> model = open_model(file);
    fs::remove(file);
    EXPECT_TRUE(model.has_value()) << model.error().message;
    return model ? model->max_references : -1;
  };
  EXPECT_EQ(references("flux1-kontext-dev.safetensors"), 1);
  EXPECT_EQ(references("flux1-dev-Kontext_fp8.safetensors"), 1);
  EXPECT_EQ(references("flux1-dev.safetensors"), 0);
}

TEST(SingleFile, OfFlux2DevIsToldByItsGuidanceAndTakesAMistral) {
  const TestFolder folder;
  const fs::path root = folder.path() / "split_files";
  std::vector<Shaped> transformer = bfl_transformer();
  transformer.push_back({"guidance_in.in_layer.weight", {64, 256}});
  transformer.push_back({"guidance_in.out_layer.weight", {64, 64}});
  const fs::path file = root / "diffusion_models" / "flux2-dev.safetensors";
  write_zeros(file, transformer);
  write_zeros(root / "text_encoders" / "a_qwen.safetensors", text_encoder());
  write_zeros(root / "vae" / "flux2-vae.safetensors", bfl_vae());
  write_tokenizer(folder, "split_files/tokenizer", TokenizerKind::mistral);
  const Result<ModelPlan> without = open_model(file);
  ASSERT_FALSE(without.has_value());
  EXPECT_THAT(without.error().message, HasSubstr("a Mistral text encoder"));
  for (const char* prefix : {"model.", "language_model.model.", "model.language_model."}) {
    write_zeros(root / "text_encoders" / "mistral.safetensors", mistral_encoder(prefix));
    const Result<ModelPlan> model = open_model(file);
    ASSERT_TRUE(model.has_value()) << prefix << ": " << model.error().message;
    EXPECT_EQ(model->family, &kFlux2Dev);
    EXPECT_EQ(model->part("text_encoder").path.filename(), "mistral.safetensors");
    EXPECT_EQ(model->guidance, GuidanceUse::embedded);
    const auto& encoder = model->own_as<Flux2DevPlan>().text_encoder;
    EXPECT_EQ(encoder.layers, 31);
    EXPECT_EQ(encoder.query_heads, 2);
    EXPECT_FALSE(encoder.head_norms);
    EXPECT_THAT(model->text.taps, ElementsAre(10, 20, 30));
  }
}

TEST(SingleFile, RefusesFlux1Fill) {
  const TestFolder folder;
  const fs::path file = folder.path() / "flux1-fill-dev.safetensors";
  write_zeros(file, flux1_transformer(384));
  const Result<ModelPlan> model = open_model(file);
  ASSERT_FALSE(model.has_value());
  EXPECT_EQ(model.error().code, ErrorCode::unimplemented);
  EXPECT_THAT(model.error().message, HasSubstr("Fill"));
}

TEST(SingleFile, RefusesAVaeWithoutItsStatistics) {
  std::vector<Shaped> tensors = bfl_vae();
  std::erase_if(tensors, [](const Shaped& tensor) { return tensor.name == "bn.running_var"; });
  const TestFolder folder;
  write_zeros(folder.path() / "ae.safetensors", tensors);
  const Result<WeightSource> weights =
      WeightSource::open(folder.path() / "ae.safetensors", vae_names());
  ASSERT_TRUE(weights.has_value());
  const Result<VaeConfig> config = detect_vae(*weights);
  ASSERT_FALSE(config.has_value());
  EXPECT_THAT(config.error().message, HasSubstr("bn.running_var"));
}

// ---- candidates are known by what is in them ----------------------------------------------------

/// ComfyUI's folders with a klein in them.
class ComfyFolder : public ::testing::Test {
 protected:
  ComfyFolder() {
    write_zeros(transformer(), bfl_transformer());
    write_zeros(at("text_encoders/qwen_3_4b.safetensors"), text_encoder());
    write_zeros(at("vae/flux2-vae.safetensors"), bfl_vae());
    write_tokenizer(folder_, "tokenizer", TokenizerKind::qwen);
  }
  fs::path at(const std::string& name) const { return folder_.path() / name; }
  fs::path transformer() const { return at("diffusion_models/flux-2-klein-4b.safetensors"); }
  std::string error(const ModelChoices& choices = {}) const {
    const Result<ModelPlan> model = open_model(transformer(), choices);
    return model ? "no error" : model.error().message;
  }
  /// The file that a part was taken from.
  std::string taken(std::string_view part, const ModelChoices& choices = {}) const {
    const Result<ModelPlan> model = open_model(transformer(), choices);
    return model ? model->part(part).path.filename().string() : model.error().message;
  }
  TestFolder folder_;
};

/// hidden 16 where klein's has 8.
std::vector<Shaped> wide_text_encoder() {
  std::vector<Shaped> tensors = text_encoder();
  for (Shaped& tensor : tensors)
    for (std::int64_t& size : tensor.shape)
      if (size == 8) size = 16;
  return tensors;
}

TEST_F(ComfyFolder, TakesTheVaeOfItsFamilyWhateverComesFirst) {
  write_zeros(at("vae/ae.safetensors"), flux1_vae());
  const Result<ModelPlan> model = open_model(transformer());
  ASSERT_TRUE(model.has_value()) << model.error().message;
  const ModelPart& vae = model->part("vae");
  EXPECT_EQ(vae.path.filename(), "flux2-vae.safetensors");
  EXPECT_THAT(vae.why, HasSubstr("passed over: vae/ae.safetensors: the VAE has a scaling_factor"));
}

TEST_F(ComfyFolder, TakesTheTextEncoderOfTheRightWidth) {
  write_zeros(at("text_encoders/a_qwen_8b.safetensors"), wide_text_encoder());
  EXPECT_EQ(taken("text_encoder"), "qwen_3_4b.safetensors");
}

TEST_F(ComfyFolder, SaysOfEachCandidateWhyItDoesNotFit) {
  fs::remove(at("text_encoders/qwen_3_4b.safetensors"));
  write_zeros(at("text_encoders/b.safetensors"), wide_text_encoder());
  write_zeros(at("text_encoders/a.safetensors"), wide_text_encoder());
  EXPECT_THAT(error(), HasSubstr("text_encoder: none of 2 files with a Qwen3 text encoder fits: "
                                 "text_encoders/a.safetensors: joint_attention_dim is 24"));
}

TEST_F(ComfyFolder, AsksWhereNothingTellsTwoFilesApart) {
  write_zeros(at("text_encoders/another.safetensors"), text_encoder());
  EXPECT_THAT(error(), HasSubstr("text_encoders/another.safetensors; "
                                 "text_encoders/qwen_3_4b.safetensors"));
  EXPECT_THAT(error(), HasSubstr("text_encoder = "));
}

TEST_F(ComfyFolder, TakesAFileAndALinkToItAsOne) {
  fs::create_hard_link(at("text_encoders/qwen_3_4b.safetensors"),
                       at("text_encoders/linked.safetensors"));
  fs::create_directories(at("clip"));
  fs::create_symlink(at("text_encoders/qwen_3_4b.safetensors"), at("clip/q.safetensors"));
  EXPECT_TRUE(open_model(transformer()).has_value()) << error();
}

TEST_F(ComfyFolder, TakesWhatTheConfigurationNames) {
  write_zeros(at("text_encoders/another.safetensors"), text_encoder());
  const ModelChoices choices{.parts = {{"text_encoder", at("text_encoders/another.safetensors")}}};
  EXPECT_EQ(taken("text_encoder", choices), "another.safetensors");
  EXPECT_EQ(open_model(transformer(), choices)->part("text_encoder").why,
            "named by the configuration");
}

TEST_F(ComfyFolder, RefusesANamedPartThatIsSomethingElse) {
  const ModelChoices vae{.parts = {{"vae", at("text_encoders/qwen_3_4b.safetensors")}}};
  EXPECT_THAT(error(vae), HasSubstr("vae: qwen_3_4b.safetensors is a Qwen3 text encoder; a VAE is "
                                    "needed"));
  const ModelChoices second{.parts = {{"text_encoder_2", at("vae/flux2-vae.safetensors")}}};
  EXPECT_THAT(error(second), HasSubstr("text_encoder_2: a model of flux2-klein has no such part"));
}

TEST_F(ComfyFolder, PassesOverACopyInATypeThatIsNotRead) {
  std::string header;
  std::size_t at_byte = 0;
  for (const Shaped& tensor : text_encoder()) {
    std::size_t bytes = 1;
    std::string shape;
    for (const std::int64_t size : tensor.shape) {
      bytes *= static_cast<std::size_t>(size);
      shape += fmt::format("{}{}", shape.empty() ? "" : ",", size);
    }
    header += fmt::format(R"({}"{}":{{"dtype":"F8_E4M3","shape":[{}],"data_offsets":[{},{}]}})",
                          header.empty() ? "" : ",", tensor.name, shape, at_byte, at_byte + bytes);
    at_byte += bytes;
  }
  folder_.write("text_encoders/Qwen3-4B-fp8.safetensors",
                safetensors_bytes("{" + header + "}", at_byte));
  EXPECT_EQ(taken("text_encoder"), "qwen_3_4b.safetensors");
}

TEST_F(ComfyFolder, PrefersAModelOfItsOwnToTheLanguageHalfOfAnother) {
  std::vector<Shaped> vision = text_encoder();
  for (Shaped& tensor : vision) tensor.name.insert(6, "language_model.");
  write_zeros(at("text_encoders/a_qwen3vl.safetensors"), vision);
  EXPECT_EQ(taken("text_encoder"), "qwen_3_4b.safetensors");
  fs::remove(at("text_encoders/qwen_3_4b.safetensors"));
  const Result<ModelPlan> model = open_model(transformer());
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_THAT(model->notes, ElementsAre(HasSubstr("part of a larger model")));
}

TEST_F(ComfyFolder, IgnoresDotFiles) {
  folder_.write("vae/._flux2-vae.safetensors", std::string("\0\5\26\7Mac OS X", 12));
  EXPECT_EQ(taken("vae"), "flux2-vae.safetensors");
}

TEST_F(ComfyFolder, SaysThatAPartIsAnHtmlPage) {
  folder_.write("vae/flux2-vae.safetensors", "<!doctype html><html><title>sign in</title></html>");
  EXPECT_THAT(error(), HasSubstr("a VAE beside it is missing"));
  EXPECT_THAT(error(), HasSubstr("flux2-vae.safetensors: an HTML page"));
}

TEST_F(ComfyFolder, IsFoundUnderEveryUsualName) {
  fs::rename(at("diffusion_models"), at("unet"));
  fs::rename(at("text_encoders"), at("clip"));
  fs::create_directories(at("models/VAE/flux2"));
  fs::rename(at("vae/flux2-vae.safetensors"), at("models/VAE/flux2/some.sft"));
  const Result<ModelPlan> by_file = open_model(at("unet/flux-2-klein-4b.safetensors"));
  EXPECT_TRUE(by_file.has_value()) << by_file.error().message;
  const Result<ModelPlan> by_folder = open_model(folder_.path());
  ASSERT_TRUE(by_folder.has_value()) << by_folder.error().message;
  EXPECT_EQ(by_folder->part("vae").path.filename(), "some.sft");
}

TEST_F(ComfyFolder, IsFoundFromAFolderInsideAUsualOne) {
  fs::create_directories(at("diffusion_models/flux2"));
  fs::rename(transformer(), at("diffusion_models/flux2/klein.safetensors"));
  const Result<ModelPlan> model = open_model(at("diffusion_models/flux2/klein.safetensors"));
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->part("tokenizer").path, at("tokenizer"));
}

TEST_F(ComfyFolder, IsFoundHoweverDeepItIsSorted) {
  for (const auto& [from, to] : {std::pair("diffusion_models", "models/diffusion_models/flux2/4b"),
                                 std::pair("text_encoders", "models/text_encoders/flux2/qwen/4b"),
                                 std::pair("vae", "models/vae/flux2/original"),
                                 std::pair("tokenizer", "models/tokenizer")}) {
    fs::create_directories(at(to).parent_path());
    fs::rename(at(from), at(to));
  }
  const fs::path file = at("models/diffusion_models/flux2/4b/flux-2-klein-4b.safetensors");
  for (const fs::path& given :
       {file, folder_.path(), at("models"), at("models/diffusion_models")}) {
    const Result<ModelPlan> model = open_model(given);
    ASSERT_TRUE(model.has_value()) << given << ": " << model.error().message;
    EXPECT_EQ(model->part("transformer").path.filename(), file.filename());
    EXPECT_EQ(model->part("vae").path.filename(), "flux2-vae.safetensors");
  }
  // A folder of whole models is not looked through for a part of another one.
  write_zeros(at("models/other/4b/vae2.safetensors"), bfl_vae());
  EXPECT_TRUE(open_model(file).has_value());
}

TEST_F(ComfyFolder, TakesItsTransformerUnderAnyPrefix) {
  for (const char* prefix : {"model.diffusion_model.model.diffusion_model.", "_orig_mod.",
                             "module.", "_orig_mod.module.", "net.", "model.", "what.ever.3."}) {
    write_zeros(transformer(), under(prefix, bfl_transformer()));
    const Result<ModelPlan> model = open_model(transformer());
    ASSERT_TRUE(model.has_value()) << prefix << ": " << model.error().message;
    EXPECT_EQ(model->own_as<KleinPlan>().transformer.single_blocks, 3) << prefix;
    EXPECT_THAT(model->notes, IsEmpty()) << prefix;
  }
}

TEST_F(ComfyFolder, NamesAStrayTensorAndTakesTheOthers) {
  std::vector<Shaped> tensors = bfl_transformer();
  tensors.push_back({"model.diffusion_model.img_in.weight_ema", {2}});
  write_zeros(transformer(), tensors);
  const Result<ModelPlan> model = open_model(transformer());
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_THAT(model->notes, ElementsAre(HasSubstr("\"model.diffusion_model.img_in.weight_ema\"")));
}

TEST_F(ComfyFolder, NamesWhatATrainerLeftInAFileAndTakesTheOthers) {
  for (const char* prefix : {"", "model.diffusion_model."}) {
    std::vector<Shaped> tensors = under(prefix, bfl_transformer());
    tensors.push_back({"ema.decay", {1}});
    tensors.push_back({"optimizer.state.0", {64, 16}});
    tensors.push_back({std::string(prefix) + "global_step", {1}});
    write_zeros(transformer(), tensors);
    std::vector<Shaped> vae = bfl_vae();
    vae.push_back({"loss.discriminator.main.0.weight", {8, 3, 4, 4}});
    write_zeros(at("vae/flux2-vae.safetensors"), vae);
    const Result<ModelPlan> model = open_model(transformer());
    ASSERT_TRUE(model.has_value()) << model.error().message;
    EXPECT_THAT(
        model->notes,
        ElementsAre(HasSubstr("flux-2-klein-4b.safetensors: 3 tensors belong to nothing that is "
                              "known and are not read: \"ema.decay\", "),
                    HasSubstr("flux2-vae.safetensors: 1 tensor belongs to nothing that is known "
                              "and is not read: \"loss.discriminator.main.0.weight\"")));
    for (const char* part : {"transformer", "vae"}) {
      const Contents& contents = model->part(part).weights->contents();
      for (const NetworkTensors& network : contents.networks)
        for (const FileTensor* tensor : network.tensors)
          EXPECT_THAT(contents.strays, Not(Contains(tensor->name)));
    }
  }
}

TEST_F(ComfyFolder, RefusesATransformerThatAnotherNetworkWasPutInto) {
  std::vector<Shaped> tensors = bfl_transformer();
  tensors.push_back({"controlnet_blocks.0.weight", {64, 64}});
  write_zeros(transformer(), tensors);
  EXPECT_THAT(error(), HasSubstr("a ControlNet is part of it (\"controlnet_blocks.0.weight\")"));
  tensors.back() = {"double_blocks.0.img_attn.gate.weight", {64, 64}};
  write_zeros(transformer(), tensors);
  const Result<ModelPlan> model = open_model(transformer());
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_THAT(model->notes, IsEmpty());  // its own module: refused when it is loaded
  const auto& weights = model->part("transformer").weights;
  EXPECT_TRUE(WeightSource::make(weights, *weights->contents().find(flux2_names()))
                  .value()
                  .has("double_blocks.0.img_attn.gate.weight"));
}

TEST_F(ComfyFolder, SaysWhatAFileIsThatIsNoTransformer) {
  write_zeros(transformer(),
              {{"diffusion_model.double_blocks.0.img_attn.qkv.lora_A.weight", {4, 4}},
               {"diffusion_model.double_blocks.0.img_attn.qkv.lora_B.weight", {4, 4}}});
  EXPECT_THAT(error(), HasSubstr("flux-2-klein-4b.safetensors: a LoRA, not a model"));
  write_zeros(transformer(), bfl_vae());
  EXPECT_THAT(error(), HasSubstr("a VAE; a transformer is needed"));
  write_zeros(transformer(), {{"some.weight", {4}}});
  EXPECT_THAT(error(), HasSubstr("no network that this build knows"));
  write_zeros(transformer(), {{"model.diffusion_model.input_blocks.0.0.weight", {4}}});
  EXPECT_THAT(error(), HasSubstr("a Stable Diffusion model"));
}

TEST_F(ComfyFolder, NamesTheToolThatQuantised) {
  std::vector<Shaped> tensors;
  for (const Shaped& tensor : bfl_transformer()) {
    const std::string stem = tensor.name.substr(0, tensor.name.rfind('.'));
    tensors.push_back({stem + "._weight_qdata", tensor.shape});
    tensors.push_back({stem + "._weight_scale", {tensor.shape[0], 1}});
  }
  write_zeros(transformer(), tensors);
  EXPECT_THAT(error(), HasSubstr("quantised by torchao"));
}

TEST_F(ComfyFolder, RefusesALoraThatWasNotUnloaded) {
  std::vector<Shaped> tensors = bfl_transformer();
  tensors.push_back({"double_blocks.0.img_attn.qkv.base_layer.weight", {4, 4}});
  write_zeros(transformer(), tensors);
  EXPECT_THAT(error(), HasSubstr("unload_lora_weights"));
}

TEST_F(ComfyFolder, LeavesALoraBesideTheTransformerAlone) {
  write_zeros(at("diffusion_models/style.safetensors"),
              {{"transformer.transformer_blocks.0.attn.to_q.lora_A.weight", {4, 4}}});
  const Result<ModelPlan> model = open_model(folder_.path());
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->part("transformer").path, transformer());
}

TEST_F(ComfyFolder, AsksWhichOfTwoTransformersIsMeant) {
  write_zeros(at("diffusion_models/flux-2-klein-9b.safetensors"), bfl_transformer());
  const Result<ModelPlan> model = open_model(folder_.path());
  ASSERT_FALSE(model.has_value());
  EXPECT_THAT(model.error().message, HasSubstr("flux-2-klein-4b.safetensors; "
                                               "diffusion_models/flux-2-klein-9b.safetensors"));
}

TEST(AllInOne, HoldsEveryPartOfFlux1) {
  const TestFolder folder;
  std::vector<Shaped> all = under("model.diffusion_model.", flux1_transformer(64));
  for (const std::vector<Shaped>& part :
       {under("text_encoders.clip_l.transformer.", clip_encoder(128)),
        under("text_encoders.t5xxl.transformer.", t5_encoder()), under("vae.", flux1_vae())})
    all.insert(all.end(), part.begin(), part.end());
  all.push_back({"text_encoders.clip_l.logit_scale", {1}});
  write_zeros(folder.path() / "flux1-schnell-aio.safetensors", all);
  write_tokenizer(folder, "tokenizer", TokenizerKind::clip);
  write_tokenizer(folder, "tokenizer_2", TokenizerKind::t5);
  const Result<ModelPlan> model = open_model(folder.path() / "flux1-schnell-aio.safetensors");
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->own_as<Flux1Plan>().clip.layers, 3);
  EXPECT_EQ(model->own_as<Flux1Plan>().t5.layers, 5);
  for (const char* part : {"text_encoder", "text_encoder_2", "vae"})
    EXPECT_EQ(model->part(part).why, "inside the transformer's file") << part;
  EXPECT_THAT(model->notes, IsEmpty());
}

TEST(TextEncoders, OfUmt5AreNotTakenForT5) {
  const TestFolder folder;
  write_zeros(folder.path() / "flux1-schnell.safetensors", flux1_transformer(64));
  write_zeros(folder.path() / "clip_l.safetensors", clip_encoder(128));
  write_zeros(folder.path() / "t5xxl.safetensors", t5_encoder());
  std::vector<Shaped> umt5 = t5_encoder();
  umt5.push_back({"encoder.block.1.layer.0.SelfAttention.relative_attention_bias.weight", {32, 4}});
  write_zeros(folder.path() / "a_umt5_xxl.safetensors", umt5);
  write_zeros(folder.path() / "ae.safetensors", flux1_vae());
  write_tokenizer(folder, "tokenizer", TokenizerKind::clip);
  write_tokenizer(folder, "tokenizer_2", TokenizerKind::t5);
  const Result<ModelPlan> model = open_model(folder.path() / "flux1-schnell.safetensors");
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->part("text_encoder_2").path.filename(), "t5xxl.safetensors");
  EXPECT_THAT(model->part("text_encoder_2").why, HasSubstr("a UMT5, not a T5"));
}

TEST(Tokenizers, AreKnownByTheirFilesWhateverTheFolderIsCalled) {
  const TestFolder folder;
  write_zeros(folder.path() / "flux1-schnell.safetensors", flux1_transformer(64));
  write_zeros(folder.path() / "a.safetensors", clip_encoder(128));
  write_zeros(folder.path() / "b.safetensors", t5_encoder());
  write_zeros(folder.path() / "c.safetensors", flux1_vae());
  write_zeros(folder.path() / "clip_g.safetensors", clip_encoder(192));
  write_tokenizer(folder, "tokenizer", TokenizerKind::t5);
  write_tokenizer(folder, "tokenizer_2", TokenizerKind::clip);
  const Result<ModelPlan> model = open_model(folder.path() / "flux1-schnell.safetensors");
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->part("tokenizer").path, folder.path() / "tokenizer_2");
  EXPECT_EQ(model->part("tokenizer_2").path, folder.path() / "tokenizer");
  EXPECT_EQ(model->part("text_encoder").path.filename(), "a.safetensors");
}

// ---- what no tensor shows -----------------------------------------------------------------------

class NamedKlein : public ComfyFolder {
 protected:
  Result<ModelPlan> open_named(const std::string& name, const ModelChoices& choices = {}) const {
    const fs::path file = at("diffusion_models/" + name + ".safetensors");
    write_zeros(file, bfl_transformer());
    Result<ModelPlan> model = open_model(file, choices);
    fs::remove(file);
    return model;
  }
};

TEST_F(NamedKlein, IsBaseByTheWordInAnyCaseAndBetweenAnySeparators) {
  for (const char* name : {"flux-2-klein-base-4b", "flux-2-klein-4b-base", "FLUX.2-klein-Base-4B",
                           "flux2_klein_base_4b", "klein base", "kleinBase4b", "klein.BASE.v2"}) {
    const Result<ModelPlan> model = open_named(name);
    ASSERT_TRUE(model.has_value()) << model.error().message;
    EXPECT_FALSE(model->distilled.value) << name;
    EXPECT_EQ(model->distilled.by, "the word \"base\" in the name");
    EXPECT_EQ(model->sampling.steps, 50);
  }
  for (const char* name : {"flux-2-klein-4b", "klein-baseline", "database"}) {
    const Result<ModelPlan> model = open_named(name);
    ASSERT_TRUE(model.has_value()) << model.error().message;
    EXPECT_TRUE(model->distilled.value) << name;
    EXPECT_EQ(model->distilled.by, "no word \"base\" in the name");
  }
}

TEST_F(NamedKlein, CachesItsReferencesByTheWordKv) {
  for (const char* name :
       {"flux-2-klein-9b-kv", "flux-2-klein-9b-KV-fp8", "klein_kv_Q4_K_M", "kleinKV"}) {
    const Result<ModelPlan> model = open_named(name);
    ASSERT_TRUE(model.has_value()) << model.error().message;
    EXPECT_TRUE(model->cached_references.value) << name;
  }
  EXPECT_FALSE(open_named("flux-2-klein-9b")->cached_references.value);
}

TEST_F(NamedKlein, IsWhatTheConfigurationSays) {
  const Result<ModelPlan> model =
      open_named("klein-base-kv", {.parts = {}, .distilled = true, .cached_references = false});
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_TRUE(model->distilled.value);
  EXPECT_FALSE(model->cached_references.value);
  EXPECT_EQ(model->distilled.by, kByConfiguration);
}

TEST_F(NamedKlein, TakesTheFoldersNameWhereTheFileHasACommonOne) {
  fs::create_directories(at("diffusion_models/klein-base-9b"));
  const fs::path file = at("diffusion_models/klein-base-9b/diffusion_pytorch_model.safetensors");
  write_zeros(file, bfl_transformer());
  const Result<ModelPlan> model = open_model(file);
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_FALSE(model->distilled.value);
}

// ---- folders as diffusers and transformers write them -------------------------------------------

/// A copy of a1, changed by each test.
class SavedFolder : public ::testing::Test {
 protected:
  SavedFolder() { fs::copy(kGolden / "a1", folder_.path(), fs::copy_options::recursive); }
  fs::path at(const std::string& name) const { return folder_.path() / name; }
  /// Writes the tensors of a saved file as shards with an index.
  void shard(const std::string& part, const std::string& stem, const std::string& variant) const {
    const auto file = SafetensorsFile::open(kGolden / "a1" / part / (stem + ".safetensors"));
    ASSERT_TRUE(file.has_value());
    const std::string mark = variant.empty() ? "" : "." + variant;
    json map;
    for (int i = 0; i < 2; ++i) {
      const std::string name = fmt::format("{}{}-{:05}-of-00002.safetensors", stem, mark, i + 1);
      std::vector<TensorToWrite> tensors;
      for (std::size_t t = static_cast<std::size_t>(i); t < file->tensors().size(); t += 2) {
        const FileTensor& tensor = file->tensors()[t];
        tensors.push_back({tensor.name, tensor.dtype, tensor.shape, tensor.bytes});
        map[tensor.name] = name;
      }
      ASSERT_TRUE(write_safetensors(at(part + "/" + name), tensors).has_value());
    }
    folder_.write(fmt::format("{}/{}.safetensors.index{}.json", part, stem, mark),
                  json{{"weight_map", map}}.dump());
  }
  std::string error() const {
    const Result<ModelPlan> model = open_model(folder_.path());
    return model ? "no error" : model.error().message;
  }
  static constexpr const char* kTransformer = "transformer/diffusion_pytorch_model.safetensors";
  TestFolder folder_;
};

TEST_F(SavedFolder, ReadsTheIndexOfAVariant) {
  fs::remove(at(kTransformer));
  shard("transformer", "diffusion_pytorch_model", "bf16");
  const Result<ModelPlan> model = open_model(folder_.path());
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->part("transformer").path.filename(),
            "diffusion_pytorch_model.safetensors.index.bf16.json");
}

TEST_F(SavedFolder, NamesTheVariantsOfWhichNoneIsPlain) {
  fs::rename(at(kTransformer), at("transformer/diffusion_pytorch_model.fp16.safetensors"));
  shard("transformer", "diffusion_pytorch_model", "bf16");
  EXPECT_THAT(error(), HasSubstr("transformer: the variants bf16, fp16 and no plain weights"));
}

TEST_F(SavedFolder, TakesShardsBeforeAFileOfAnEarlierSavingAsDiffusersDoes) {
  shard("transformer", "diffusion_pytorch_model", "");
  const Result<ModelPlan> model = open_model(folder_.path());
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->part("transformer").path.filename(),
            "diffusion_pytorch_model.safetensors.index.json");
  EXPECT_THAT(model->notes, ElementsAre(HasSubstr("lies beside")));
}

TEST_F(SavedFolder, TakesTheFileBesideAnIndexWithoutItsShards) {
  shard("transformer", "diffusion_pytorch_model", "");
  fs::remove(at("transformer/diffusion_pytorch_model-00002-of-00002.safetensors"));
  const Result<ModelPlan> model = open_model(folder_.path());
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->part("transformer").path, at(kTransformer));
  EXPECT_THAT(model->notes, ElementsAre(HasSubstr("is a leftover")));
}

TEST_F(SavedFolder, AsksWhereTransformersWouldReadTheOlderFile) {
  shard("text_encoder", "model", "");
  EXPECT_THAT(error(), HasSubstr("text_encoder: model.safetensors and model.safetensors.index.json "
                                 "with its shards both hold the weights"));
}

TEST_F(SavedFolder, ReadsAModularIndex) {
  json index = json::parse(bytes_in(at("model_index.json")));
  fs::remove(at("model_index.json"));
  index["_class_name"] = "Flux2KleinModularPipeline";
  for (const char* part : {"scheduler", "text_encoder", "tokenizer", "transformer", "vae"})
    index[part].push_back({{"subfolder", part}});
  folder_.write("modular_model_index.json", index.dump());
  const Result<ModelPlan> model = open_model(folder_.path());
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->distilled.by, "modular_model_index.json");
}

TEST_F(SavedFolder, NamesThePickleThatLiesThere) {
  fs::remove(at(kTransformer));
  folder_.write("transformer/diffusion_pytorch_model.bin", "PK");
  EXPECT_THAT(error(), HasSubstr("only diffusion_pytorch_model.bin; pickles are never read"));
}

TEST_F(SavedFolder, SaysThatTheKeyOfTheTapsIsMissing) {
  json config = json::parse(bytes_in(at("text_encoder/config.json")));
  config["num_hidden_layers"] = 6;
  fs::remove(at("text_encoder/config.json"));
  folder_.write("text_encoder/config.json", config.dump());
  EXPECT_THAT(error(), HasSubstr("the text encoder has 6 layers, and of klein's the layers [9, 18, "
                                 "27] are read"));
  EXPECT_THAT(error(), HasSubstr("text_encoder_out_layers, which diffusers drops"));
}

TEST_F(SavedFolder, RefusesAnIndexForAnotherFamilysTransformer) {
  fs::remove(at(kTransformer));
  fs::create_symlink(kGolden / "b1" / kTransformer, at(kTransformer));
  EXPECT_THAT(error(), HasSubstr("the pipeline is one of flux2-klein, but "
                                 "diffusion_pytorch_model.safetensors is a FLUX.1 transformer"));
}

TEST_F(SavedFolder, TakesAPartThatTheConfigurationNames) {
  const ModelChoices choices{.parts = {{"vae", kGolden / "a1" / "vae"}}};
  fs::remove_all(at("vae"));
  const Result<ModelPlan> model = open_model(folder_.path(), choices);
  ASSERT_TRUE(model.has_value()) << model.error().message;
  EXPECT_EQ(model->part("vae").why, "named by the configuration");
}

}  // namespace
}  // namespace imagined::engine

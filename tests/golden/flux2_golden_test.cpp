// The golden numbers of FLUX.2, its autoencoder and Qwen3 that need no recorded files: G1 to G11 of
// the model notes, on tiny networks with weights made by a hash. They were computed with Black
// Forest Labs' and diffusers' own code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <optional>

#include "engine/models/flux2/flux2.h"
#include "engine/models/flux2/flux2_names.h"
#include "engine/models/qwen3/qwen3.h"
#include "engine/models/qwen3/qwen3_names.h"
#include "engine/models/vae/vae.h"
#include "engine/models/vae/vae_names.h"
#include "engine/ops/convert/convert.h"
#include "engine/sampling/euler.h"
#include "engine/sampling/schedule.h"
#include "golden/expect_stat.h"
#include "golden/hash_weights.h"

namespace imagined::engine::golden {
namespace {

/// [pixels, channels] as [channels, pixels].
std::vector<float> planes(const Tensor& tensor) {
  std::vector<float> out;
  for (std::int64_t c = 0; c < tensor.cols(); ++c) {
    for (std::int64_t r = 0; r < tensor.rows(); ++r) out.push_back(tensor.row<float>(r)[c]);
  }
  return out;
}

/// The inverse.
Tensor from_planes(std::string_view name, std::int64_t pixels, std::int64_t channels) {
  const std::vector<float> values = hash_values(name, pixels * channels);
  Tensor out(pixels, channels);
  for (std::int64_t c = 0; c < channels; ++c) {
    for (std::int64_t r = 0; r < pixels; ++r) {
      out.row<float>(r)[c] = values[static_cast<std::size_t>(c * pixels + r)];
    }
  }
  return out;
}

// --- the three tiny networks -------------------------------------------------------------------

Flux2Config tiny_flux2_config(std::int64_t context_size = 24) {
  return {.in_channels = 16,
          .out_channels = 16,
          .double_blocks = 2,
          .single_blocks = 3,
          .heads = 2,
          .head_dim = 32,
          .context_size = context_size,
          .mlp_size = 192,
          .rope_axes = {8, 8, 8, 8},
          .rope_theta = 2000,
          .epsilon = 1e-6,
          .timestep_channels = 256};
}

std::unique_ptr<Flux2> tiny_flux2(const Context& context, const Flux2Config& config) {
  const std::int64_t context_size = config.context_size;
  const bool guidance = config.guidance_embeds;
  const std::int64_t d = 64;
  HashFile file("");
  file.add_weight("img_in.weight", {d, 16});
  file.add_weight("txt_in.weight", {d, context_size});
  for (const char* name : {"time_in", "guidance_in"}) {
    if (std::string_view(name) == "guidance_in" && !guidance) continue;
    file.add_weight(std::string(name) + ".in_layer.weight", {d, 256});
    file.add_weight(std::string(name) + ".out_layer.weight", {d, d});
  }
  file.add_weight("double_stream_modulation_img.lin.weight", {6 * d, d});
  file.add_weight("double_stream_modulation_txt.lin.weight", {6 * d, d});
  file.add_weight("single_stream_modulation.lin.weight", {3 * d, d});
  for (int i = 0; i < 2; ++i) {
    for (const char* side : {"img", "txt"}) {
      const std::string at = "double_blocks." + std::to_string(i) + "." + side;
      file.add_weight(at + "_attn.qkv.weight", {3 * d, d});
      file.add_scale(at + "_attn.norm.query_norm.scale", 32);
      file.add_scale(at + "_attn.norm.key_norm.scale", 32);
      file.add_weight(at + "_attn.proj.weight", {d, d});
      file.add_weight(at + "_mlp.0.weight", {6 * d, d});
      file.add_weight(at + "_mlp.2.weight", {d, 3 * d});
    }
  }
  for (int i = 0; i < 4; ++i) {  // one more than the notes' network has
    const std::string at = "single_blocks." + std::to_string(i);
    file.add_weight(at + ".linear1.weight", {9 * d, d});
    file.add_weight(at + ".linear2.weight", {d, 4 * d});
    file.add_scale(at + ".norm.query_norm.scale", 32);
    file.add_scale(at + ".norm.key_norm.scale", 32);
  }
  file.add_weight("final_layer.adaLN_modulation.1.weight", {2 * d, d});
  file.add_weight("final_layer.linear.weight", {16, d});
  WeightLoader weights(context, file.open(flux2_names()), NumberFormat::exact());
  return value_of(Flux2::load(weights, config));
}

Qwen3 tiny_qwen3(const Context& context, std::vector<std::int64_t> taps) {
  HashFile file("qwen.");
  file.add_weight("model.embed_tokens.weight", {64, 32});
  for (int i = 0; i < 4; ++i) {
    const std::string at = "model.layers." + std::to_string(i);
    file.add_scale(at + ".input_layernorm.weight", 32);
    file.add_scale(at + ".post_attention_layernorm.weight", 32);
    file.add_weight(at + ".self_attn.q_proj.weight", {64, 32});
    file.add_weight(at + ".self_attn.k_proj.weight", {32, 32});
    file.add_weight(at + ".self_attn.v_proj.weight", {32, 32});
    file.add_weight(at + ".self_attn.o_proj.weight", {32, 64});
    file.add_scale(at + ".self_attn.q_norm.weight", 16);
    file.add_scale(at + ".self_attn.k_norm.weight", 16);
    file.add_weight(at + ".mlp.gate_proj.weight", {48, 32});
    file.add_weight(at + ".mlp.up_proj.weight", {48, 32});
    file.add_weight(at + ".mlp.down_proj.weight", {32, 48});
  }
  file.add_scale("model.norm.weight", 32);
  const Qwen3Config config{.vocab_size = 64,
                           .hidden_size = 32,
                           .layers = 4,
                           .query_heads = 4,
                           .kv_heads = 2,
                           .head_dim = 16,
                           .ffn_size = 48,
                           .rms_epsilon = 1e-6,
                           .rope_theta = 1e6};
  WeightLoader weights(context, file.open(qwen3_names()), NumberFormat::exact());
  return value_of(Qwen3::load(weights, config, taps));
}

constexpr std::array<std::int32_t, 10> kIds = {5, 17, 33, 2, 60, 41, 9, 9, 9, 9};

Tensor tiny_features(const Context& context) {
  return value_of(tiny_qwen3(context, {1, 2, 3}).encode(context, kIds, 6, {}));
}

void add_vae_block(HashFile& file, const std::string& at, std::int64_t in, std::int64_t out) {
  file.add_scale(at + ".norm1.weight", in);
  file.add_bias(at + ".norm1.bias", in);
  file.add_weight(at + ".conv1.weight", {out, in, 3, 3});
  file.add_bias(at + ".conv1.bias", out);
  file.add_scale(at + ".norm2.weight", out);
  file.add_bias(at + ".norm2.bias", out);
  file.add_weight(at + ".conv2.weight", {out, out, 3, 3});
  file.add_bias(at + ".conv2.bias", out);
  if (in == out) return;
  file.add_weight(at + ".nin_shortcut.weight", {out, in, 1, 1});
  file.add_bias(at + ".nin_shortcut.bias", out);
}

void add_conv(HashFile& file, const std::string& at, std::int64_t out, std::int64_t in,
              std::int64_t kernel) {
  file.add_weight(at + ".weight", {out, in, kernel, kernel});
  file.add_bias(at + ".bias", out);
}

void add_vae_middle(HashFile& file, const std::string& at, std::int64_t channels) {
  add_vae_block(file, at + ".block_1", channels, channels);
  file.add_scale(at + ".attn_1.norm.weight", channels);
  file.add_bias(at + ".attn_1.norm.bias", channels);
  for (const char* part : {".q", ".k", ".v", ".proj_out"}) {
    add_conv(file, at + ".attn_1" + part, channels, channels, 1);
  }
  add_vae_block(file, at + ".block_2", channels, channels);
}

Vae tiny_vae(const Context& context) {
  constexpr std::array<std::int64_t, 4> kWidths = {32, 64, 64, 64};
  HashFile file("vae.");
  add_conv(file, "encoder.conv_in", 32, 3, 3);
  std::int64_t in = 32;
  for (int i = 0; i < 4; ++i) {
    const std::string at = "encoder.down." + std::to_string(i);
    add_vae_block(file, at + ".block.0", in, kWidths[static_cast<std::size_t>(i)]);
    in = kWidths[static_cast<std::size_t>(i)];
    if (i < 3) add_conv(file, at + ".downsample.conv", in, in, 3);
  }
  add_vae_middle(file, "encoder.mid", 64);
  file.add_scale("encoder.norm_out.weight", 64);
  file.add_bias("encoder.norm_out.bias", 64);
  add_conv(file, "encoder.conv_out", 8, 64, 3);
  add_conv(file, "encoder.quant_conv", 8, 8, 1);
  add_conv(file, "decoder.post_quant_conv", 4, 4, 1);
  add_conv(file, "decoder.conv_in", 64, 4, 3);
  add_vae_middle(file, "decoder.mid", 64);
  in = 64;
  for (int i = 3; i >= 0; --i) {
    const std::string at = "decoder.up." + std::to_string(i);
    for (int j = 0; j < 2; ++j) {
      add_vae_block(file, at + ".block." + std::to_string(j), in,
                    kWidths[static_cast<std::size_t>(i)]);
      in = kWidths[static_cast<std::size_t>(i)];
    }
    if (i > 0) add_conv(file, at + ".upsample.conv", in, in, 3);
  }
  file.add_scale("decoder.norm_out.weight", 32);
  file.add_bias("decoder.norm_out.bias", 32);
  add_conv(file, "decoder.conv_out", 3, 32, 3);
  file.add("bn.running_mean", {16}, 0.1);
  file.add("bn.running_var", {16}, 0.3, 3.0);
  const VaeConfig config{.in_channels = 3,
                         .out_channels = 3,
                         .encoder_channels = {32, 64, 64, 64},
                         .decoder_channels = {32, 64, 64, 64},
                         .layers_per_block = 1,
                         .latent_channels = 4,
                         .norm_groups = 32};
  WeightLoader weights(context, file.open(vae_names()), NumberFormat::exact());
  return value_of(Vae::load(weights, config));
}

// --- tests -------------------------------------------------------------------------------------

TEST(HashGenerator, GivesThePublishedNumbers) {
  EXPECT_EQ(fnv1a("input.img"), 3309285502u);
  EXPECT_THAT(hash_values("img_in.weight", 2),
              testing::ElementsAre(testing::FloatNear(-0.0679409f, 1e-7f),
                                   testing::FloatNear(-0.5058833f, 1e-7f)));
}

/// The tiny transformer's text, picture and reference, on grids of 2 x 3 and 2 x 2 tokens.
struct TinyPicture {
  TextFeatures text{.tokens = hash_tensor("input.txt", 5, 24)};
  Tensor latents = hash_tensor("input.img", 6, 16);
  Tensor reference = hash_tensor("input.ref", 4, 16);
  ReferenceTokens references[1] = {{.latents = reference.view(), .rows = 2, .cols = 2}};

  DenoiseRequest request(std::span<const float> sigmas) const {
    return {.text = text, .rows = 2, .cols = 3, .sigmas = sigmas};
  }
  /// The velocity of step `step` of a denoiser.
  Tensor velocity(const Context& context, Denoiser& denoiser, int step = 0) const {
    TransformerWorkspace workspace;
    Tensor velocity(6, 16);
    const auto done = denoiser.velocity(context, step, latents, workspace, velocity, {});
    CHECK(done.has_value(), "{}", done.error().message);
    return velocity;
  }
};

constexpr float kSigma[] = {0.75f};
constexpr float kTwoSigmas[] = {0.75f, 0.5f};

TEST(Flux2Golden, ModulationOfATinyTransformer) {
  const Context context({.threads = 2});
  const auto model = tiny_flux2(context, tiny_flux2_config());
  const std::vector<float> row = flat(model->modulation(context, kSigma, 1));
  expect_stat({row.begin(), row.begin() + 384}, {.first = {.014031, .144031, -.285238, .141032},
                                                 .last = {{-.159287, .264706, .113053, .408972}},
                                                 .sum = -5.939526,
                                                 .l2 = 4.455664});
}

/// Rows `first` and following of the residual stream behind the first blocks.
std::vector<float> hidden_behind(std::int64_t doubles, std::int64_t singles, std::int64_t first,
                                 std::int64_t count) {
  const Context context({.threads = 2});
  Flux2Config config = tiny_flux2_config();
  config.double_blocks = doubles;
  config.single_blocks = singles;
  const auto model = tiny_flux2(context, config);
  const TinyPicture picture;
  const auto denoiser = model->begin(context, picture.request(kSigma));
  TransformerWorkspace workspace;
  Tensor velocity(6, 16);
  CHECK(denoiser->velocity(context, 0, picture.latents, workspace, velocity, {}).has_value(),
        "stopped");
  const float* const rows = workspace.hidden.row<float>(first);
  return {rows, rows + count * config.width()};
}

constexpr std::int64_t kText = 5;
constexpr std::int64_t kPicture = 6;

TEST(Flux2Golden, G1BothStreamsBehindEachDoubleBlock) {
  expect_stat(hidden_behind(1, 0, 0, kText), {.first = {.297351, .389630, .134745, -.788510},
                                              .last = {{.898004, -.563523, .437976, .172753}},
                                              .sum = -1.614197,
                                              .l2 = 9.973934});
  expect_stat(hidden_behind(1, 0, kText, kPicture),
              {.first = {1.040155, -.504806, -.337870, .004673},
               .last = {{.662359, -.537261, -.841938, -.106477}},
               .sum = -5.713008,
               .l2 = 11.350661});
  expect_stat(hidden_behind(2, 0, 0, kText), {.first = {.007362, .516533, -.217127, -1.152329},
                                              .last = {{1.361434, -.787035, .273652, -.154328}},
                                              .sum = 4.411963,
                                              .l2 = 10.296078});
  expect_stat(hidden_behind(2, 0, kText, kPicture),
              {.first = {.974446, -.746029, -.280134, -.096455},
               .last = {{.694326, -.871351, -.996029, -.163787}},
               .sum = -8.264541,
               .l2 = 11.891409});
}

TEST(Flux2Golden, G1BothStreamsBehindEachSingleBlock) {
  const Stat golden[] = {{.first = {-.035307, -.138858, -.004240, -1.276815},
                          .last = {{.778448, -.908032, -1.003278, -.337470}},
                          .sum = -10.611353,
                          .l2 = 16.201173},
                         {.first = {.019110, .181242, .367780, -1.263301},
                          .last = {{.734127, -.890212, -1.006102, -.127944}},
                          .sum = -4.258485,
                          .l2 = 16.558322},
                         {.first = {-.013479, .152983, .023806, -1.247077},
                          .last = {{.794535, -.922738, -1.006200, -.315291}},
                          .sum = -6.656881,
                          .l2 = 16.977592}};
  for (std::int64_t i = 0; i < 3; ++i) {
    SCOPED_TRACE(i);
    // A last block computes the picture's rows only and leaves the text's as they were before it.
    std::vector<float> rows = hidden_behind(2, i + 2, 0, kText);
    const std::vector<float> picture = hidden_behind(2, i + 1, kText, kPicture);
    rows.insert(rows.end(), picture.begin(), picture.end());
    expect_stat(rows, golden[i]);
  }
}

TEST(Flux2Golden, G1VelocityOfATinyTransformer) {
  const Context context({.threads = 2});
  const auto model = tiny_flux2(context, tiny_flux2_config());
  const TinyPicture picture;
  const auto denoiser = model->begin(context, picture.request(kSigma));
  expect_stat(flat(picture.velocity(context, *denoiser)),
              {.first = {.018264, 1.561244, 1.589723, -1.262186},
               .last = {{-1.121976, -.537594, -1.056126, -1.513311}},
               .sum = 32.573782,
               .l2 = 11.809678});
}

TEST(Flux2Golden, G2VelocityWithAReference) {
  const Context context({.threads = 2});
  const auto model = tiny_flux2(context, tiny_flux2_config());
  const TinyPicture picture;
  DenoiseRequest request = picture.request(kSigma);
  request.references = picture.references;
  const auto denoiser = model->begin(context, request);
  expect_stat(flat(picture.velocity(context, *denoiser)),
              {.first = {.103743, 1.261739, 1.681288, -1.381056},
               .last = {{-.736211, -.859379, -1.057152, -1.544003}},
               .sum = 27.198509,
               .l2 = 11.718255});
}

TEST(Flux2Golden, G3VelocitiesWithACachedReference) {
  const Context context({.threads = 2});
  Flux2Config config = tiny_flux2_config();
  config.cached_references = true;
  const auto model = tiny_flux2(context, config);
  const TinyPicture picture;
  DenoiseRequest request = picture.request(kTwoSigmas);
  request.references = picture.references;
  const auto denoiser = model->begin(context, request);
  expect_stat(flat(picture.velocity(context, *denoiser, 0)),
              {.first = {.148541, 1.184690, 1.593501, -1.459180},
               .last = {{-.741817, -1.058555, -1.222401, -1.458909}},
               .sum = 28.960094,
               .l2 = 11.955174});
  expect_stat(flat(picture.velocity(context, *denoiser, 1)),
              {.first = {-1.202150, 1.614174, 1.177325, -1.269571},
               .last = {{-1.287554, -.534182, -1.210154, -1.319964}},
               .sum = 9.933073,
               .l2 = 11.355618});
}

TEST(Flux2, WithCachedReferencesButNoneGivenIsThePlainModel) {
  const Context context({.threads = 1});
  Flux2Config config = tiny_flux2_config();
  const auto plain = tiny_flux2(context, config);
  config.cached_references = true;
  const auto cached = tiny_flux2(context, config);
  const TinyPicture picture;
  EXPECT_EQ(flat(picture.velocity(context, *plain->begin(context, picture.request(kSigma)))),
            flat(picture.velocity(context, *cached->begin(context, picture.request(kSigma)))));
}

TEST(Flux2, CountsLessWorkInLaterStepsWithCachedReferences) {
  const Context context({.threads = 1});
  Flux2Config config = tiny_flux2_config();
  config.cached_references = true;
  const auto model = tiny_flux2(context, config);
  const TinyPicture picture;
  DenoiseRequest request = picture.request(kTwoSigmas);
  request.references = picture.references;
  const auto denoiser = model->begin(context, request);
  // flux.md 7.1 with D 64, F 3 D, T 5, N 6, R 4 and 5 blocks: the references' own pass.
  constexpr double kLinear = 26.0 * 64 * 64;
  constexpr double kAttention = 4.0 * 64;
  const double without_last = 2 * 4 * (10.0 * 64 * 64) + kAttention * 4 * 4;
  EXPECT_DOUBLE_EQ(denoiser->flop(0) - denoiser->flop(1),
                   5 * (kLinear * 4 + kAttention * 4 * 4) - without_last);
}

TEST(Flux2Golden, G4VelocityWithEmbeddedGuidance) {
  const Context context({.threads = 2});
  Flux2Config config = tiny_flux2_config();
  config.guidance_embeds = true;
  const auto model = tiny_flux2(context, config);
  const TinyPicture picture;
  DenoiseRequest request = picture.request(kSigma);
  request.guidance = 4.0f;
  const auto denoiser = model->begin(context, request);
  expect_stat(flat(picture.velocity(context, *denoiser)),
              {.first = {-.571149, .507007, 2.822492, -1.009825},
               .last = {{-.067310, .264905, -.871985, .769679}},
               .sum = 36.744295,
               .l2 = 11.435350});
}

TEST(Flux2, StopsBetweenBlocks) {
  const Context context({.threads = 1});
  const auto model = tiny_flux2(context, tiny_flux2_config());
  const TinyPicture picture;
  const auto denoiser = model->begin(context, picture.request(kSigma));
  TransformerWorkspace workspace;
  Tensor velocity(6, 16);
  std::stop_source stop;
  stop.request_stop();
  const auto done =
      denoiser->velocity(context, 0, picture.latents, workspace, velocity, stop.get_token());
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, ErrorCode::cancelled);
}

TEST(VaeGolden, G5EncodesToNormalisedLatents) {
  const Context context({.threads = 2});
  const Vae vae = tiny_vae(context);
  ActivationPool pool;
  const Tensor pixels = from_planes("input.image", 32 * 32, 3);
  expect_stat(planes(value_of(vae.encode(context, pixels, 32, 32, pool, {}))),
              {.first = {-.283634, .053658, .293152, -.009499},
               .last = {{.463330, .280742, .103626, -.136462}},
               .sum = 2.577979,
               .l2 = 2.204981});
}

TEST(VaeGolden, G6DecodesNormalisedLatents) {
  const Context context({.threads = 2});
  const Vae vae = tiny_vae(context);
  ActivationPool pool;
  const Tensor tokens = from_planes("input.z", 4, 16);
  expect_stat(planes(value_of(vae.decode(context, tokens, 2, 2, pool, {}))),
              {.first = {.084735, .272717, .135061, .133187},
               .last = {{-.050576, -.066044, -.209068, -.313742}},
               .sum = -201.251875,
               .l2 = 29.792379});
}

TEST(Qwen3Golden, G7FeaturesOfAPaddedPrompt) {
  const Context context({.threads = 2});
  const Tensor features = tiny_features(context);
  expect_stat(flat(features), {.first = {-.537706, -1.051199, -1.833174, .569299},
                               .last = {{-.319732, 2.828378, 1.935705, 2.881631}},
                               .sum = 33.611007,
                               .l2 = 40.539141});
  // A padding row: it sees the real tokens and nothing of itself.
  EXPECT_NEAR(features.row<float>(9)[0], -.532771, kValueTolerance);
  EXPECT_NEAR(features.row<float>(9)[1], -1.236332, kValueTolerance);
}

TEST(Qwen3Golden, G7ResidualStreamHasTheKnownNormBehindEachLayer) {
  const Tensor features = tiny_features(Context({.threads = 2}));
  const std::array<double, 3> golden = {14.887188, 23.572788, 29.429870};
  for (std::size_t tap = 0; tap < golden.size(); ++tap) {
    double squares = 0;
    for (std::int64_t r = 0; r < features.rows(); ++r) {
      const float* const row = features.row<float>(r) + 32 * tap;
      for (int c = 0; c < 32; ++c) squares += static_cast<double>(row[c]) * row[c];
    }
    EXPECT_NEAR(std::sqrt(squares), golden[tap], kNormTolerance * golden[tap]) << tap + 1;
  }
}

TEST(Qwen3Golden, LastTapIsNormalisedAndTheEmbeddingIsNot) {
  const Context context({.threads = 2});
  const Qwen3 model = tiny_qwen3(context, {0, 4});
  const Tensor features = value_of(model.encode(context, kIds, 6, {}));
  double embedding = 0;
  double last = 0;
  for (std::int64_t r = 0; r < features.rows(); ++r) {
    for (std::int64_t c = 0; c < 32; ++c) {
      embedding += std::pow(static_cast<double>(features.row<float>(r)[c]), 2);
      last += std::pow(static_cast<double>(features.row<float>(r)[32 + c]), 2);
    }
  }
  EXPECT_NEAR(std::sqrt(embedding), 3.195709, kNormTolerance * 3.195709);
  EXPECT_NEAR(std::sqrt(last), 17.860801, kNormTolerance * 17.860801);
}

TEST(Qwen3Golden, RefusesATapBehindTheLastLayer) {
  const Context context({.threads = 1});
  HashFile file("qwen.");
  file.add_weight("model.embed_tokens.weight", {64, 32});
  WeightLoader weights(context, file.open(qwen3_names()), NumberFormat::exact());
  const std::array<std::int64_t, 1> taps = {5};
  const auto loaded =
      Qwen3::load(weights, {.vocab_size = 64, .hidden_size = 32, .layers = 4}, taps);
  ASSERT_FALSE(loaded.has_value());
  EXPECT_EQ(loaded.error().code, ErrorCode::invalid_argument);
}

// --- end to end --------------------------------------------------------------------------------

struct EndToEnd {
  std::array<double, 3> step_norms;  // l2 of the latents after steps 1 to 3
  Stat latents;
  Stat picture;
  std::array<int, 8> red;  // first row
  int byte_sum = 0;
};

/// Four steps of the tiny pipeline; `without` holds the features of the negative prompt.
void expect_run(std::span<const ReferenceTokens> references, const TextFeatures* without,
                const EndToEnd& expected) {
  const Context context({.threads = 2});
  const auto model = tiny_flux2(context, tiny_flux2_config(96));
  const std::vector<float> sigmas = value_of(make_schedule({.dynamic_shifting = true}, 4, 4));
  const auto begin = [&](const TextFeatures& text) {
    return model->begin(context, {.text = text,
                                  .rows = 2,
                                  .cols = 2,
                                  .references = references,
                                  .sigmas = std::span(sigmas).first(4)});
  };
  const auto denoiser = begin({.tokens = tiny_features(context)});
  std::unique_ptr<Denoiser> negative;
  if (without != nullptr) negative = begin(*without);
  Tensor x = from_planes("input.noise", 4, 16);
  TransformerWorkspace workspace;
  Tensor v(4, 16);
  Tensor u(4, 16);
  for (int step = 0; step < 4; ++step) {
    ASSERT_TRUE(denoiser->velocity(context, step, x, workspace, v, {}).has_value());
    if (without != nullptr) {
      ASSERT_TRUE(negative->velocity(context, step, x, workspace, u, {}).has_value());
      for (std::size_t i = 0; i < v.values<float>().size(); ++i) {
        const float base = u.values<float>()[i];
        v.values<float>()[i] = base + 4 * (v.values<float>()[i] - base);
      }
    }
    const auto i = static_cast<std::size_t>(step);
    euler_step(context, v, sigmas[i], sigmas[i + 1], x);
    if (step < 3) {
      double squares = 0;
      for (const float value : x.values<float>()) squares += static_cast<double>(value * value);
      EXPECT_NEAR(std::sqrt(squares), expected.step_norms[i],
                  kNormTolerance * expected.step_norms[i])
          << "after step " << step + 1;
    }
  }
  expect_stat(flat(x), expected.latents);
  ActivationPool pool;
  const Tensor picture = value_of(tiny_vae(context).decode(context, x, 2, 2, pool, {}));
  expect_stat(planes(picture), expected.picture);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(picture.rows()) * 3);
  signal_to_pixels(context, picture, bytes.data());
  int sum = 0;
  for (const std::uint8_t byte : bytes) sum += byte;
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(bytes[3 * i], expected.red[i]) << i;
  // Errors up to kValueTolerance carry at most 2 * 127.5 * kValueTolerance of the bytes, 157 of
  // 3072, over an edge, one level up or down: sqrt(157) in the sum.
  EXPECT_NEAR(sum, expected.byte_sum, 12.5);
}

TEST(EndToEndGolden, G9TextToImage) {
  expect_run({}, nullptr,
             {.step_norms = {4.659002, 4.797085, 5.319550},
              .latents = {.first = {.797020, .478602, -.298991, .922448}, .l2 = 9.814606},
              .picture = {.first = {-.121932, -.014532, .119636, .201776},
                          .sum = -193.005198,
                          .l2 = 29.107032},
              .red = {112, 126, 143, 153, 143, 137, 155, 151},
              .byte_sum = 365557});
}

TEST(EndToEndGolden, G10WithAReference) {
  const Context context({.threads = 2});
  ActivationPool pool;
  const Tensor pixels = from_planes("input.image", 32 * 32, 3);
  const Tensor latents = value_of(tiny_vae(context).encode(context, pixels, 32, 32, pool, {}));
  const std::array<ReferenceTokens, 1> references = {
      ReferenceTokens{.latents = latents.view(), .rows = 2, .cols = 2}};
  expect_run(references, nullptr,
             {.step_norms = {4.661370, 4.783059, 5.277053},
              .latents = {.first = {.775028, .496908, -.378812, .923624}, .l2 = 9.638201},
              .picture = {.first = {-.109062, .005604, .129913, .209392},
                          .sum = -196.704691,
                          .l2 = 29.656850},
              .red = {114, 128, 144, 154, 146, 140, 161, 155},
              .byte_sum = 365465});
}

TEST(EndToEndGolden, G11TrueGuidance) {
  const TextFeatures without{.tokens = hash_tensor("input.uncond", 10, 96)};
  expect_run({}, &without,
             {.step_norms = {4.672320, 4.845173, 5.545017},
              .latents = {.first = {.385360, .497005, -.402274, .453464}, .l2 = 12.014743},
              .picture = {.first = {-.018644, -.145347, .129007, .112053},
                          .sum = -216.609308,
                          .l2 = 27.933059},
              .red = {125, 109, 144, 142, 138, 135, 141, 123},
              .byte_sum = 364681});
}

}  // namespace
}  // namespace imagined::engine::golden

// The golden numbers of the FLUX.1 transformer that need no recorded files: G8 of the model notes,
// on a tiny network with weights made by a hash. Computed with Black Forest Labs' own code.
#include <gtest/gtest.h>

#include <array>
#include <stop_token>
#include <string>

#include "engine/models/flux1/flux1.h"
#include "engine/models/flux1/flux1_names.h"
#include "golden/expect_stat.h"
#include "golden/hash_weights.h"

namespace imagined::engine::golden {
namespace {

constexpr std::int64_t kWidth = 64;
constexpr std::int64_t kTextTokens = 5;
constexpr std::int64_t kImageTokens = 6;

void add_linear(HashFile& file, const std::string& name, std::int64_t out, std::int64_t in) {
  file.add_weight(name + ".weight", {out, in});
  file.add_bias(name + ".bias", out);
}

void add_norms(HashFile& file, const std::string& at) {
  file.add_scale(at + ".query_norm.scale", 32);
  file.add_scale(at + ".key_norm.scale", 32);
}

/// The first blocks of the tiny network of 2 double and 2 single ones; a third single block exists
/// for the tests that look at what stands before a last one.
std::unique_ptr<Flux1> tiny_flux1(const Context& context, std::int64_t doubles,
                                  std::int64_t singles) {
  const std::int64_t d = kWidth;
  HashFile file("");
  add_linear(file, "img_in", d, 16);
  add_linear(file, "txt_in", d, 24);
  for (const auto& [name, in] :
       {std::pair{"time_in", 256}, {"vector_in", 12}, {"guidance_in", 256}}) {
    add_linear(file, std::string(name) + ".in_layer", d, in);
    add_linear(file, std::string(name) + ".out_layer", d, d);
  }
  for (int i = 0; i < 2; ++i) {
    for (const char* side : {"img", "txt"}) {
      const std::string at = "double_blocks." + std::to_string(i) + "." + side;
      add_linear(file, at + "_mod.lin", 6 * d, d);
      add_linear(file, at + "_attn.qkv", 3 * d, d);
      add_norms(file, at + "_attn.norm");
      add_linear(file, at + "_attn.proj", d, d);
      add_linear(file, at + "_mlp.0", 4 * d, d);
      add_linear(file, at + "_mlp.2", d, 4 * d);
    }
  }
  for (int i = 0; i < 3; ++i) {
    const std::string at = "single_blocks." + std::to_string(i);
    add_linear(file, at + ".modulation.lin", 3 * d, d);
    add_linear(file, at + ".linear1", 7 * d, d);
    add_linear(file, at + ".linear2", d, 5 * d);
    add_norms(file, at + ".norm");
  }
  add_linear(file, "final_layer.adaLN_modulation.1", 2 * d, d);
  add_linear(file, "final_layer.linear", 16, d);
  WeightLoader weights(context, file.open(flux1_names()), NumberFormat::exact());
  return value_of(Flux1::load(weights, {.channels = 16,
                                        .double_blocks = doubles,
                                        .single_blocks = singles,
                                        .heads = 2,
                                        .head_dim = 32,
                                        .context_size = 24,
                                        .pooled_size = 12,
                                        .rope_axes = {8, 12, 12},
                                        .guidance_embeds = true}));
}

struct Outcome {
  Tensor velocity{kImageTokens, 16};
  TransformerWorkspace workspace;  // `hidden` as the last block left it

  /// Rows of the residual stream, one below the other.
  std::vector<float> hidden(std::int64_t first, std::int64_t count) const {
    std::vector<float> out;
    for (std::int64_t r = first; r < first + count; ++r) {
      const float* row = workspace.hidden.row<float>(r);
      out.insert(out.end(), row, row + kWidth);
    }
    return out;
  }
};

Outcome run_tiny(std::int64_t doubles, std::int64_t singles) {
  const Context context({.threads = 2});
  const std::unique_ptr<Flux1> model = tiny_flux1(context, doubles, singles);
  const TextFeatures text{.tokens = hash_tensor("input.txt", kTextTokens, 24),
                          .pooled = Vector(hash_values("input.vec", 12))};
  // The golden step stands between others, which must not show.
  const std::array sigmas = {1.0f, 0.75f, 0.5f};
  const std::unique_ptr<Denoiser> denoiser = model->begin(
      context,
      {.text = text, .rows = 2, .cols = 3, .references = {}, .sigmas = sigmas, .guidance = 3.5f});
  Outcome outcome;
  const Tensor latents = hash_tensor("input.img", kImageTokens, 16);
  const auto done =
      denoiser->velocity(context, 1, latents, outcome.workspace, outcome.velocity, {});
  CHECK(done.has_value(), "{}", done.error().message);
  return outcome;
}

TEST(Flux1Golden, G8VelocityOfATinyTransformer) {
  expect_stat(flat(run_tiny(2, 2).velocity), {.first = {.961933, 1.807680, 2.896640, -.840536},
                                              .last = {{-.769062, -1.803518, -1.089368, -1.451637}},
                                              .sum = -20.608282,
                                              .l2 = 15.362809});
}

TEST(Flux1Golden, G8BothStreamsBehindADoubleBlock) {
  const Outcome outcome = run_tiny(1, 0);
  expect_stat(outcome.hidden(kTextTokens, kImageTokens),
              {.first = {2.156373, -.853577, -.422649, .068078},
               .last = {{1.013337, -.380865, -.752310, .548843}},
               .sum = 33.464129,
               .l2 = 15.943387});
  expect_stat(outcome.hidden(0, kTextTokens), {.first = {1.176955, .527287, .462658, -1.626279},
                                               .last = {{.443321, -.040362, .144425, -.302129}},
                                               .sum = -12.453442,
                                               .l2 = 15.084199});
}

/// All rows behind the first `singles` single blocks. A last block computes the picture's rows only
/// and leaves the text's as they were before it.
std::vector<float> behind_single_blocks(std::int64_t singles) {
  std::vector<float> rows = run_tiny(2, singles + 1).hidden(0, kTextTokens);
  const std::vector<float> picture = run_tiny(2, singles).hidden(kTextTokens, kImageTokens);
  rows.insert(rows.end(), picture.begin(), picture.end());
  return rows;
}

TEST(Flux1Golden, G8BothStreamsBehindEachSingleBlock) {
  expect_stat(behind_single_blocks(1), {.first = {1.389246, 1.154036, -.125731, -1.368898},
                                        .last = {{1.536313, -.551560, -1.048115, .341891}},
                                        .sum = 31.214133,
                                        .l2 = 32.606979});
  expect_stat(behind_single_blocks(2), {.first = {1.430247, .870707, -.131730, -.263044},
                                        .last = {{1.990325, -.586150, -.667875, .846118}},
                                        .sum = 53.675231,
                                        .l2 = 36.241527});
}

TEST(Flux1Golden, StopsBetweenBlocks) {
  const Context context({.threads = 1});
  const std::unique_ptr<Flux1> model = tiny_flux1(context, 1, 1);
  const TextFeatures text{.tokens = hash_tensor("input.txt", kTextTokens, 24),
                          .pooled = Vector(hash_values("input.vec", 12))};
  const std::array sigmas = {1.0f};
  const std::unique_ptr<Denoiser> denoiser = model->begin(
      context,
      {.text = text, .rows = 2, .cols = 3, .references = {}, .sigmas = sigmas, .guidance = 3.5f});
  TransformerWorkspace workspace;
  Tensor velocity(kImageTokens, 16);
  std::stop_source stop;
  stop.request_stop();
  const auto done = denoiser->velocity(context, 0, hash_tensor("input.img", kImageTokens, 16),
                                       workspace, velocity, stop.get_token());
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace imagined::engine::golden

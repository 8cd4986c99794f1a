// Clips of Wan: every frame of its autoencoder against a recorded decode, and the engine's public
// face on the small random models of which recorded_runs_test compares the numbers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/folder_testing.h"
#include "engine/engine.h"
#include "engine/formats/safetensors.h"
#include "engine/lab/recording.h"
#include "golden/animate_clip.h"
#include "golden/load_wan_vae.h"

namespace imagined::engine::golden {
namespace {

using ::testing::HasSubstr;

namespace fs = std::filesystem;

const fs::path kGolden = fs::path(IMAGINED_SOURCE_DIR) / "tests" / "golden";

constexpr std::int64_t kRows = 2;  // of tokens, in each of the recorded latent frames
constexpr std::int64_t kCols = 1;
constexpr std::int64_t kLatentFrames = 4;
constexpr std::int64_t kPixels = 64 * 32;

struct RecordedClip {
  Tensor tokens;              // [latent frames * rows * cols, channels]
  std::vector<float> frames;  // [frames, pixels, 3]
};

RecordedClip recorded_clip() {
  const SafetensorsFile file = value_of(SafetensorsFile::open(kGolden / "wan/frames.safetensors"));
  const auto numbers = [&](const char* name) { return values_of<float>(*file.find(name)); };
  RecordedClip clip{.tokens = Tensor(kLatentFrames * kRows * kCols, 24),
                    .frames = numbers("frames")};
  std::ranges::copy(numbers("tokens"), clip.tokens.values().begin());
  return clip;
}

/// Pixels of all latent frames, one after the other.
std::vector<float> decode(const WanVae& vae, const Context& context, const Tensor& tokens) {
  ActivationPool pool;
  const auto decoder = vae.begin_clip(context, kRows, kCols, pool);
  std::vector<float> pixels;
  for (std::int64_t row = 0; row < tokens.rows(); row += kRows * kCols) {
    const Tensor made = value_of(decoder->next(tokens.view().row_range(row, kRows * kCols), {}));
    pixels.insert(pixels.end(), made.values().begin(), made.values().end());
  }
  return pixels;
}

/// As of the recorded runs: two f32 runs differ by 1e-6, a forgotten frame or tap by 0.1.
TEST(WanVae, DecodesEveryFrameOfAClipAsRecorded) {
  const Context context({.threads = 2});
  const RecordedClip clip = recorded_clip();
  const auto vae = load_wan_vae(context, NumberFormat::exact());
  const std::vector<float> frames = decode(*vae, context, clip.tokens);
  ASSERT_EQ(frames.size(), clip.frames.size());
  constexpr std::size_t kFrame = 3 * kPixels;
  for (std::size_t frame = 0; frame * kFrame < frames.size(); ++frame) {
    double error = 0;
    double sum = 0;
    for (std::size_t i = frame * kFrame; i < (frame + 1) * kFrame; ++i) {
      const double expected = clip.frames[i];
      error += std::pow(frames[i] - expected, 2);
      sum += expected * expected;
    }
    EXPECT_LT(std::sqrt(error / sum), 1e-4) << "frame " << frame;
  }
}

TEST(WanVae, DecodesAFirstFrameAloneToTheSameBits) {
  const Context context({.threads = 2});
  const RecordedClip clip = recorded_clip();
  const auto vae = load_wan_vae(context, NumberFormat::fast(context.cpu()));
  ActivationPool pool;
  const Tensor alone = value_of(
      vae->decode(context, clip.tokens.view().row_range(0, kRows * kCols), kRows, kCols, pool, {}));
  const std::vector<float> frames = decode(*vae, context, clip.tokens);
  EXPECT_EQ(0, std::memcmp(alone.row(0), frames.data(), alone.values().size_bytes()));
}

TEST(WanVae, DecodesToTheSameBitsWithAnyNumberOfThreads) {
  const RecordedClip clip = recorded_clip();
  std::vector<float> expected;
  for (const int threads : {1, 3}) {
    const Context context({.threads = threads});
    const auto vae = load_wan_vae(context, NumberFormat::exact());
    const std::vector<float> frames = decode(*vae, context, clip.tokens);
    if (expected.empty()) expected = frames;
    EXPECT_EQ(0, std::memcmp(expected.data(), frames.data(), frames.size() * sizeof(float)));
  }
}

// ---- the engine's face --------------------------------------------------------------------------

/// The distilled model, with what its sampling.json says.
class WanClip : public ::testing::Test {
 protected:
  std::unique_ptr<Engine> load(std::string_view sampling = {}) {
    for (const auto& entry : fs::directory_iterator(kGolden / "d2"))
      fs::create_symlink(entry.path(), folder_.path() / entry.path().filename());
    if (!sampling.empty()) folder_.write("sampling.json", sampling);
    auto engine = Engine::load({.path = folder_.path(), .precision = Precision::f32, .threads = 2});
    CHECK(engine.has_value(), "{}", engine.error().message);
    return std::move(*engine);
  }

 private:
  TestFolder folder_;
};

TEST_F(WanClip, SaysThatItMakes24FramesASecondInThreeStepsWithoutGuidance) {
  const auto engine = load();
  const ModelSummary& summary = engine->summary();
  EXPECT_EQ(summary.family, "wan");
  EXPECT_EQ(summary.clip_frames_per_second, 24);
  EXPECT_EQ(summary.default_steps, 3);
  EXPECT_EQ(summary.guidance, GuidanceUse::none);
  EXPECT_EQ(summary.max_references, 0);
  EXPECT_EQ(summary.pixels_per_token, 32);
  EXPECT_TRUE(summary.distilled);
}

TEST(WanBase, SaysThatItTakes50StepsWithTrueGuidance) {
  const auto engine = Engine::load({.path = kGolden / "d1", .threads = 1});
  ASSERT_TRUE(engine.has_value()) << engine.error().message;
  EXPECT_EQ((*engine)->summary().default_steps, 50);
  EXPECT_EQ((*engine)->summary().default_guidance, 5);
  EXPECT_EQ((*engine)->summary().guidance, GuidanceUse::two_passes);
  EXPECT_FALSE((*engine)->summary().distilled);
}

TEST_F(WanClip, HasAsManyFramesAsAreAskedForAndBeginsWithTheGivenPicture) {
  const auto engine = load();
  for (const int frames : {1, 2, 5, 6}) {
    const ClipRequest request = request_of(frames);
    const Made made = animate(*engine, request);
    ASSERT_EQ(made.frames.size(), static_cast<std::size_t>(frames)) << made.error.message;
    EXPECT_EQ(made.frames.front().pixels, request.first_frame->pixels);
    for (const image::Picture& frame : made.frames) {
      EXPECT_EQ(frame.width, 80);
      EXPECT_EQ(frame.height, 64);
    }
  }
}

TEST_F(WanClip, GoesOnFromItsLastFrameInPassesOfItsLength) {
  const auto engine = load(R"({"clip_frames": 5, "clip_frames_per_second": 12})");
  EXPECT_EQ(engine->summary().clip_frames_per_second, 12);
  ClipRequest request = request_of(8);
  request.width = request.height = 64;  // whole tokens, so that frames are all there is to see
  request.first_frame = picture(64, 64);
  const Made whole = animate(*engine, request);
  ASSERT_EQ(whole.frames.size(), 8u) << whole.error.message;
  EXPECT_EQ(whole.progress.size(), 6u);  // two passes of three steps
  request.first_frame = whole.frames[4];
  request.frames = 4;
  ++request.seed;
  const Made rest = animate(*engine, request);
  ASSERT_EQ(rest.frames.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(rest.frames[i].pixels, whole.frames[4 + i].pixels);
}

TEST_F(WanClip, WithoutAFirstPictureIsMadeAtOnce) {
  const auto engine = load();
  for (const int frames : {2, 5, 7}) {
    ClipRequest request = request_of(frames);
    request.first_frame.reset();
    const Made made = animate(*engine, request);
    ASSERT_EQ(made.frames.size(), static_cast<std::size_t>(frames)) << made.error.message;
    EXPECT_EQ(made.progress.size(), 3u);  // the steps of one pass
    EXPECT_EQ(made.progress.back().steps, 3);
  }
}

TEST_F(WanClip, OfOneFrameIsTheStillOfThePrompt) {
  const auto engine = load();
  ClipRequest request = request_of(1);
  request.first_frame.reset();
  const Made made = animate(*engine, request);
  ASSERT_EQ(made.frames.size(), 1u) << made.error.message;
  const auto still = engine->generate(
      {.prompt = request.prompt, .width = 80, .height = 64, .seed = request.seed}, {}, {});
  ASSERT_TRUE(still.has_value());
  EXPECT_EQ(made.frames.front().pixels, still->pixels);
}

TEST_F(WanClip, WithoutAFirstPictureGoesOnFromTheLastFrameOfItsFirstPass) {
  const auto engine = load(R"({"clip_frames": 5, "clip_frames_per_second": 12})");
  ClipRequest request = request_of(7);
  request.width = request.height = 64;  // whole tokens, so that frames are all there is to see
  request.first_frame.reset();
  const Made whole = animate(*engine, request);
  ASSERT_EQ(whole.frames.size(), 7u) << whole.error.message;
  EXPECT_EQ(whole.progress.size(), 6u);
  request.first_frame = whole.frames[4];
  request.frames = 3;
  ++request.seed;
  const Made rest = animate(*engine, request);
  ASSERT_EQ(rest.frames.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(rest.frames[i].pixels, whole.frames[4 + i].pixels);
}

TEST_F(WanClip, DependsOnSeedPromptAndFirstPictureAndNothingElse) {
  const auto engine = load();
  const auto last_of = [&](const ClipRequest& request) {
    return animate(*engine, request).frames.back().pixels;
  };
  const auto base = last_of(request_of(3));
  EXPECT_EQ(last_of(request_of(3)), base);
  ClipRequest other = request_of(3);
  other.seed = 8;
  EXPECT_NE(last_of(other), base);
  other = request_of(3);
  other.prompt = "a bowl of apples";
  EXPECT_NE(last_of(other), base);
  other = request_of(3);
  other.first_frame->pixels[0] = 255;
  EXPECT_NE(last_of(other), base);
}

/// The noise that comes between the steps is the seed's, too, and no neighbour's.
TEST_F(WanClip, MakesTheSameStillAloneAndAmongOthers) {
  const auto engine = load();
  GenerateRequest request{.prompt = "a cat", .width = 64, .height = 64};
  std::vector<image::Picture> made;
  const auto done = engine->generate_batch(request,
                                           {.seeds = {7, 8},
                                            .watch = {},
                                            .take = [&](int, image::Picture still) -> Result<> {
                                              made.push_back(std::move(still));
                                              return {};
                                            }},
                                           {});
  ASSERT_TRUE(done.has_value()) << done.error().message;
  request.seed = 8;
  const auto alone = engine->generate(request, {}, {});
  ASSERT_TRUE(alone.has_value()) << alone.error().message;
  EXPECT_EQ(made.at(1).pixels, alone->pixels);
  EXPECT_NE(made.at(0).pixels, alone->pixels);
}

/// A preview is what the step's velocity points to, before new noise is laid on it; after the first
/// step that is the still of one step, for both begin with level 1.
TEST_F(WanClip, PreviewsAStillWithoutTheNoiseOfTheNextStep) {
  const auto engine = load();
  GenerateRequest request{.prompt = "a cat", .width = 64, .height = 64, .seed = 7};
  std::vector<image::Picture> previews;
  Observer watch;
  watch.previews = 2;
  watch.on_preview = [&](image::Picture preview) { previews.push_back(std::move(preview)); };
  ASSERT_TRUE(engine->generate(request, watch, {}).has_value());
  request.steps = 1;
  const auto of_one_step = engine->generate(request, {}, {});
  ASSERT_TRUE(of_one_step.has_value()) << of_one_step.error().message;
  ASSERT_EQ(previews.size(), 2u);
  EXPECT_EQ(previews.front().pixels, of_one_step->pixels);
}

TEST_F(WanClip, TakesOtherNumbersOfStepsThanItWasDistilledAt) {
  const auto engine = load();
  ClipRequest request = request_of(2);
  request.steps = 2;
  const Made made = animate(*engine, request);
  EXPECT_EQ(made.frames.size(), 2u) << made.error.message;
  EXPECT_EQ(made.progress.size(), 2u);
}

TEST_F(WanClip, RefusesReferencePictures) {
  const auto engine = load();
  GenerateRequest request{.prompt = "a cat", .width = 64, .height = 64};
  request.references.push_back(picture(64, 64));
  const auto made = engine->generate(request, {}, {});
  ASSERT_FALSE(made.has_value());
  EXPECT_THAT(made.error().message, HasSubstr("takes no reference pictures"));
}

}  // namespace
}  // namespace imagined::engine::golden

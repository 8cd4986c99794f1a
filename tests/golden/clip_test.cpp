// Clips through the engine's public face, on small random models of which one says that it was
// trained for clips. Their numbers are held to recorded runs by recorded_runs_test.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/folder_testing.h"
#include "engine/engine.h"
#include "golden/animate_clip.h"

namespace imagined::engine {
namespace {

using ::testing::HasSubstr;

namespace fs = std::filesystem;

fs::path model_folder(const std::string& name) {
  return fs::path(IMAGINED_SOURCE_DIR) / "tests" / "golden" / name;
}

/// A recorded model, 32 pixels a token, that says it makes three frames after a given one.
class ClipModel {
 public:
  explicit ClipModel(const std::string& parts = "a4",
                     std::string_view sampling =
                         R"({"steps": 2, "clip_frames": 4, "clip_frames_per_second": 5})") {
    for (const auto& entry : fs::directory_iterator(model_folder(parts)))
      fs::create_symlink(entry.path(), folder_.path() / entry.path().filename());
    folder_.write("sampling.json", sampling);
  }
  Result<std::unique_ptr<Engine>> open(int threads = 2,
                                       std::function<MachineMemory()> memory = {}) const {
    return Engine::load({.path = folder_.path(),
                         .precision = Precision::f32,
                         .threads = threads,
                         .memory = std::move(memory)});
  }
  std::unique_ptr<Engine> load(int threads = 2) const {
    auto engine = open(threads);
    CHECK(engine.has_value(), "{}", engine.error().message);
    return std::move(*engine);
  }

 private:
  TestFolder folder_;
};

TEST(Clip, IsRefusedByAModelThatWasNotTrainedForAny) {
  const auto engine = Engine::load({.path = model_folder("a4"), .threads = 1});
  ASSERT_TRUE(engine.has_value());
  EXPECT_EQ((*engine)->summary().clip_frames_per_second, 0);
  const Made made = animate(**engine, request_of(0));
  EXPECT_EQ(made.error.code, ErrorCode::invalid_argument);
  EXPECT_EQ(made.error.field, "model");
  EXPECT_EQ(made.error.message, "model \"a4\" makes no videos: it was not trained for clips");
}

TEST(Clip, HasAsManyFramesAsAreAskedForAndBeginsWithTheGivenPicture) {
  const auto engine = ClipModel().load();
  EXPECT_EQ(engine->summary().clip_frames_per_second, 5);
  for (const int frames : {1, 2, 4, 5, 8}) {
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

TEST(Clip, IsRefusedWhereTheMachineHasNotTheMemoryForIt) {
  constexpr std::int64_t kPlenty = std::int64_t{1} << 40;
  MachineMemory memory{.total_bytes = kPlenty, .free_bytes = kPlenty};
  const auto engine = ClipModel().open(1, [&memory] { return memory; });
  ASSERT_TRUE(engine.has_value());
  EXPECT_EQ(animate(**engine, request_of(2)).frames.size(), 2u);
  memory = {};
  const Made refused = animate(**engine, request_of(2));
  EXPECT_TRUE(refused.frames.empty());
  EXPECT_EQ(refused.error.code, ErrorCode::invalid_argument);
  EXPECT_EQ(refused.error.field, "size");
}

TEST(Clip, TellsItsStepsOverAllPasses) {
  const auto engine = ClipModel().load();
  const Made made = animate(*engine, request_of(8));  // 7 to make, 3 a pass, 2 steps each
  ASSERT_EQ(made.progress.size(), 6u);
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(made.progress[static_cast<std::size_t>(i)].step, i + 1);
    EXPECT_EQ(made.progress[static_cast<std::size_t>(i)].steps, 6);
  }
}

TEST(Clip, IsMadeInAsManyRunsAsItsModelWasTrainedFor) {
  const auto engine = ClipModel("a4", R"({"steps": 2, "clip_frames": 4, "clip_frames_per_second": 5,
                          "clip_stride": 3})")
                          .load();
  const Made made = animate(*engine, request_of(6));  // 5 to make, one a run, 3 and 2 of two passes
  ASSERT_EQ(made.frames.size(), 6u) << made.error.message;
  ASSERT_EQ(made.progress.size(), 10u);
  EXPECT_EQ(made.progress.back().steps, 10);
  const auto alone =
      ClipModel("a4", R"({"steps": 2, "clip_frames": 2, "clip_frames_per_second": 5})").load();
  const Made first = animate(*alone, request_of(2));
  EXPECT_EQ(made.frames[1].pixels, first.frames[1].pixels) << "at time 1";
  ClipRequest later = request_of(2);
  ++later.seed;  // of the second run, which is at time 2
  EXPECT_NE(made.frames[2].pixels, animate(*alone, later).frames[1].pixels);
}

TEST(Clip, GoesOnFromItsLastFrame) {
  const auto engine = ClipModel().load();
  ClipRequest request = request_of(7);
  request.width = request.height = 64;  // whole tokens, so that frames are all there is to see
  request.first_frame = picture(64, 64);
  const Made whole = animate(*engine, request);
  ASSERT_EQ(whole.frames.size(), 7u) << whole.error.message;
  request.first_frame = whole.frames[3];
  request.frames = 4;
  ++request.seed;
  const Made rest = animate(*engine, request);
  ASSERT_EQ(rest.frames.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(rest.frames[i].pixels, whole.frames[3 + i].pixels);
  EXPECT_NE(whole.frames[4].pixels, whole.frames[5].pixels);
}

TEST(Clip, WithoutAFirstPictureBeginsWithTheOneOfThePrompt) {
  const auto engine = ClipModel().load();
  ClipRequest request = request_of(2);
  request.first_frame.reset();
  const Made made = animate(*engine, request);
  ASSERT_EQ(made.frames.size(), 2u) << made.error.message;
  const auto alone = engine->generate(
      {.prompt = request.prompt, .width = 80, .height = 64, .seed = request.seed}, {}, {});
  ASSERT_TRUE(alone.has_value());
  EXPECT_EQ(made.frames.front().pixels, alone->pixels);
  EXPECT_EQ(made.progress.back().steps, 4);
}

TEST(Clip, DependsOnSeedPromptAndFirstPicture) {
  const auto engine = ClipModel().load();
  const auto last_of = [&](const ClipRequest& request) {
    return animate(*engine, request).frames.back().pixels;
  };
  const auto base = last_of(request_of(4));
  EXPECT_EQ(last_of(request_of(4)), base);
  ClipRequest other = request_of(4);
  other.seed = 8;
  EXPECT_NE(last_of(other), base);
  other = request_of(4);
  other.prompt = "it starts to rain";
  EXPECT_NE(last_of(other), base);
  other = request_of(4);
  std::ranges::fill(other.first_frame->pixels, 200);
  EXPECT_NE(last_of(other), base);
}

TEST(Clip, IsTheSameWithAnyNumberOfThreads) {
  const ClipModel model;
  const auto one = model.load(1);
  const auto three = model.load(3);
  EXPECT_EQ(animate(*one, request_of(5)).frames.back().pixels,
            animate(*three, request_of(5)).frames.back().pixels);
}

TEST(Clip, StopsBetweenItsSteps) {
  const auto engine = ClipModel().load();
  std::stop_source stop;
  std::size_t taken = 0;
  const auto done = engine->animate(request_of(60),
                                    {.on_progress =
                                         [&](Progress progress) {
                                           if (progress.step == 3) stop.request_stop();
                                         },
                                     .take = [&](image::Picture) -> Result<> {
                                       ++taken;
                                       return {};
                                     }},
                                    stop.get_token());
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::cancelled);
  EXPECT_EQ(taken, 4u);  // of the pass before
}

TEST(Clip, EndsWithTheErrorOfWhoTakesAFrame) {
  const auto engine = ClipModel().load();
  const auto done = engine->animate(
      request_of(8),
      {.on_progress = {},
       .take = [](image::Picture) -> Result<> { return fail(ErrorCode::storage_full, "full"); }},
      {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message, "full");
}

TEST(Clip, NamesWhatIsWrongWithItsRequest) {
  const auto engine = ClipModel().load();
  const auto field_of = [&](const ClipRequest& request) {
    return animate(*engine, request).error.field;
  };
  EXPECT_EQ(field_of(request_of(0)), "duration");
  EXPECT_EQ(field_of(request_of(kClipFramesMax + 1)), "duration");
  ClipRequest request = request_of(4);
  request.steps = 501;
  EXPECT_EQ(field_of(request), "steps");
  request = request_of(4);
  request.width = 8;
  EXPECT_EQ(field_of(request), "size");
  request = request_of(4);
  request.first_frame = picture(20, 20);
  EXPECT_EQ(field_of(request), "image");
}

TEST(ClipModelFolder, MustSayHowFastItsClipsAre) {
  const auto engine = ClipModel("a4", R"({"clip_frames": 4})").open();
  ASSERT_FALSE(engine);
  EXPECT_THAT(engine.error().message, HasSubstr("clip_frames_per_second"));
}

TEST(ClipModelFolder, IsNoneOfFlux1) {
  const auto engine = ClipModel("b1", R"({"clip_frames": 4, "clip_frames_per_second": 5})").open();
  ASSERT_FALSE(engine);
  EXPECT_THAT(engine.error().message, HasSubstr("clip_frames"));
}

}  // namespace
}  // namespace imagined::engine

// The engine's public face on the small random models of the recorded runs: same bytes with any
// number of threads, progress, cancelling, sizes, and what broken model folders say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/folder_testing.h"
#include "engine/engine.h"
#include "engine/formats/safetensors.h"
#include "engine/formats/safetensors_write.h"
#include "engine/lab/lab.h"
#include "engine/ops/resize/resize.h"
#include "engine/ops/sharpen_edges/sharpen_edges.h"

namespace imagined::engine {
namespace {

namespace fs = std::filesystem;

fs::path model_folder(const std::string& name) {
  return fs::path(IMAGINED_SOURCE_DIR) / "tests" / "golden" / name;
}

std::unique_ptr<Engine> load(const fs::path& path, int threads = 2,
                             Precision precision = Precision::f32) {
  auto engine = Engine::load({.path = path, .precision = precision, .threads = threads});
  CHECK(engine.has_value(), "{}", engine.error().message);
  return std::move(*engine);
}

GenerateRequest small_request() {
  return {.prompt = "a red house", .width = 96, .height = 64, .steps = 3, .seed = 7};
}

Result<image::Picture> generate(Engine& engine, const GenerateRequest& request) {
  return engine.generate(request, {}, {});
}

image::Picture reference(int width, int height, int channels = 3) {
  image::Picture picture{.width = width, .height = height, .channels = channels};
  for (int i = 0; i < width * height * channels; ++i) {
    picture.pixels.push_back(static_cast<std::uint8_t>(i * 37 % 251));
  }
  return picture;
}

// --- same bytes --------------------------------------------------------------------------------

class SameSeed : public testing::TestWithParam<Precision> {};

TEST_P(SameSeed, GivesTheSameBytesWithOneTwoAndThreeThreads) {
  GenerateRequest request = small_request();
  request.references = {reference(90, 70)};
  std::vector<image::Picture> pictures;
  for (const int threads : {1, 2, 3}) {
    const auto engine = load(model_folder("a4"), threads, GetParam());
    const auto picture = generate(*engine, request);
    ASSERT_TRUE(picture.has_value()) << picture.error().message;
    pictures.push_back(*picture);
  }
  EXPECT_EQ(pictures[0].pixels, pictures[1].pixels);
  EXPECT_EQ(pictures[0].pixels, pictures[2].pixels);
}

INSTANTIATE_TEST_SUITE_P(Precisions, SameSeed,
                         testing::Values(Precision::f32, Precision::bf16, Precision::int8),
                         [](const auto& param) { return std::string(to_string(param.param)); });

TEST(WeightsInPlace, MakeTheSamePicturesAsPackedOnesPromptAfterPrompt) {
  for (const std::string model : {"a1", "a3", "a4", "b1", "b2"}) {
    for (const Precision precision : {Precision::f32, Precision::bf16, Precision::int8}) {
      std::vector<std::vector<std::uint8_t>> pictures[2];
      std::vector<std::int64_t> mapped_bytes;
      for (const std::string placement : {"packed", "in_place"}) {
        const auto engine = Engine::load({.path = model_folder(model),
                                          .precision = precision,
                                          .threads = 2,
                                          .implementations = "weights=" + placement});
        ASSERT_TRUE(engine.has_value()) << engine.error().message;
        mapped_bytes.push_back((*engine)->summary().mapped_bytes);
        GenerateRequest request = small_request();
        for (const std::string prompt :
             {"a red house", "a tree"}) {  // the encoder's pages are back
          request.prompt = prompt;
          const auto picture = generate(**engine, request);
          ASSERT_TRUE(picture.has_value()) << picture.error().message;
          pictures[placement == "packed" ? 0 : 1].push_back(picture->pixels);
        }
      }
      EXPECT_EQ(pictures[0], pictures[1]) << model;
      EXPECT_LT(mapped_bytes[0], mapped_bytes[1]) << model;
    }
  }
}

TEST(Generate, RemembersNothingThatChangesTheNextPicture) {
  const auto engine = load(model_folder("a4"));
  const auto first = generate(*engine, small_request());
  GenerateRequest other = small_request();
  other.prompt = "something else";
  other.width = 128;
  ASSERT_TRUE(generate(*engine, other).has_value());
  const auto again = generate(*engine, small_request());
  ASSERT_TRUE(first.has_value() && again.has_value());
  EXPECT_EQ(first->pixels, again->pixels);
}

TEST(Generate, DependsOnSeedPromptAndReferences) {
  const auto engine = load(model_folder("a4"));
  const auto base = generate(*engine, small_request());
  ASSERT_TRUE(base.has_value());
  const std::vector<std::function<void(GenerateRequest&)>> changes = {
      [](GenerateRequest& r) { r.seed = 8; },
      [](GenerateRequest& r) { r.prompt = "a blue house"; },
      [](GenerateRequest& r) { r.steps = 4; },
      [](GenerateRequest& r) { r.guidance = 2.0f; },
      [](GenerateRequest& r) { r.references = {reference(64, 64)}; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    GenerateRequest request = small_request();
    changes[i](request);
    const auto picture = generate(*engine, request);
    ASSERT_TRUE(picture.has_value()) << picture.error().message;
    EXPECT_NE(picture->pixels, base->pixels) << "change " << i;
  }
}

// --- memory ------------------------------------------------------------------------------------

std::unique_ptr<Engine> load_with_memory(MachineMemory& memory) {
  auto engine = Engine::load(
      {.path = model_folder("a4"), .precision = Precision::f32, .threads = 1, .memory = [&memory] {
         return memory;
       }});
  CHECK(engine.has_value(), "{}", engine.error().message);
  return std::move(*engine);
}

TEST(Memory, RefusesBeforeItRunsWhatTheMachineHasNotAndWhatIsNotFreeNow) {
  MachineMemory memory;
  const auto engine = load_with_memory(memory);
  const std::int64_t needed = engine->cost(small_request())->working_bytes;
  memory = {.total_bytes = needed, .free_bytes = needed};
  EXPECT_TRUE(generate(*engine, small_request()).has_value());

  memory = {.total_bytes = needed, .free_bytes = needed - 1};
  const auto later = generate(*engine, small_request());
  ASSERT_FALSE(later.has_value());
  EXPECT_EQ(later.error().code, ErrorCode::resource_exhausted);

  memory = {.total_bytes = needed - 1, .free_bytes = needed - 1};
  const auto never = generate(*engine, small_request());
  ASSERT_FALSE(never.has_value());
  EXPECT_EQ(never.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(never.error().field, "size");
  EXPECT_THAT(never.error().message, testing::HasSubstr("96 x 64 pixels needs about 0.1 GiB"));
}

TEST(Generate, TellsAFlux1DevModelItsGuidance) {
  const auto engine = load(model_folder("b2"));
  const auto as_published = generate(*engine, small_request());
  ASSERT_TRUE(as_published.has_value()) << as_published.error().message;
  GenerateRequest request = small_request();
  request.guidance = 3.5f;
  EXPECT_EQ(generate(*engine, request)->pixels, as_published->pixels);
  request.guidance = 9.0f;
  EXPECT_NE(generate(*engine, request)->pixels, as_published->pixels);
}

TEST(Generate, KeepsAwayFromANegativePromptWithTrueGuidance) {
  const auto engine = load(model_folder("a4"));
  GenerateRequest request = small_request();
  request.guidance = 3.0f;
  const auto plain = generate(*engine, request);
  ASSERT_TRUE(plain.has_value()) << plain.error().message;
  request.negative_prompt = "a blue tree";
  const auto kept_away = generate(*engine, request);
  ASSERT_TRUE(kept_away.has_value()) << kept_away.error().message;
  EXPECT_NE(kept_away->pixels, plain->pixels);
  // Guided away from its own prompt, a picture is guided nowhere.
  request.negative_prompt = request.prompt;
  const auto nowhere = generate(*engine, request);
  request.guidance = 9.0f;
  EXPECT_EQ(generate(*engine, request)->pixels, nowhere->pixels);
}

TEST(Generate, RefusesANegativePromptThatWouldHaveNoEffect) {
  const auto error_of = [](const char* model, std::optional<float> guidance) {
    GenerateRequest request = small_request();
    request.negative_prompt = "a tree";
    request.guidance = guidance;
    const auto picture = generate(*load(model_folder(model)), request);
    EXPECT_FALSE(picture.has_value()) << model;
    return picture ? Error{} : picture.error();
  };
  const Error distilled = error_of("a1", 3.0f);
  EXPECT_EQ(distilled.code, ErrorCode::invalid_argument);
  EXPECT_EQ(distilled.field, "negative_prompt");
  EXPECT_THAT(distilled.message, testing::HasSubstr("model \"a1\" has no true guidance"));
  EXPECT_EQ(error_of("b2", std::nullopt).field, "negative_prompt");
  EXPECT_THAT(error_of("a4", 1.0f).message, testing::HasSubstr("no effect at guidance 1"));
}

TEST(Generate, NamesTheModelThatTakesNoReferences) {
  const auto engine = load(model_folder("b1"));
  GenerateRequest request = small_request();
  request.references = {reference(64, 64)};
  const auto picture = generate(*engine, request);
  ASSERT_FALSE(picture.has_value());
  EXPECT_EQ(picture.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(picture.error().field, "image");
  EXPECT_THAT(picture.error().message, testing::HasSubstr("b1"));
}

// --- batches -----------------------------------------------------------------------------------

struct BatchModel {
  const char* folder;
  Precision precision;
};

class BatchOf : public testing::TestWithParam<BatchModel> {};

TEST_P(BatchOf, FourIsBitForBitFourSingleRuns) {
  const auto engine = load(model_folder(GetParam().folder), 2, GetParam().precision);
  GenerateRequest request = small_request();
  const bool takes_more = engine->summary().max_references > 0;
  if (takes_more) request.references = {reference(90, 70)};
  if (engine->summary().guidance == GuidanceUse::two_passes) {
    request.guidance = 3.0f;
    request.negative_prompt = "a tree";
  }
  std::vector<std::vector<std::uint8_t>> batch;
  const auto made =
      engine->generate_batch(request,
                             Batch{.seeds = {7, 1, 7, 90},
                                   .watch = {},
                                   .take = [&](int, image::Picture picture) -> Result<> {
                                     batch.push_back(std::move(picture.pixels));
                                     return {};
                                   }},
                             {});
  ASSERT_TRUE(made.has_value()) << made.error().message;
  ASSERT_EQ(batch.size(), 4u);
  EXPECT_NE(batch[0], batch[1]);
  const std::uint64_t seeds[] = {7, 1, 7, 90};
  for (std::size_t i = 0; i < 4; ++i) {
    const auto alone = load(model_folder(GetParam().folder), 2, GetParam().precision);
    request.seed = seeds[i];
    EXPECT_EQ(generate(*alone, request)->pixels, batch[i]) << "picture " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Models, BatchOf,
                         testing::Values(BatchModel{"a1", Precision::bf16},
                                         BatchModel{"a4", Precision::f32},
                                         BatchModel{"a4", Precision::bf16},
                                         BatchModel{"b2", Precision::bf16}),
                         [](const auto& param) {
                           return std::string(param.param.folder) +
                                  (param.param.precision == Precision::f32 ? "_f32" : "_bf16");
                         });

TEST(Batch, EndsWithTheErrorOfWhoTakesAPicture) {
  const auto engine = load(model_folder("a3"));
  int taken = 0;
  const auto made =
      engine->generate_batch(small_request(),
                             Batch{.seeds = {1, 2, 3},
                                   .watch = {},
                                   .take = [&](int, const image::Picture&) -> Result<> {
                                     if (++taken < 2) return {};
                                     return fail(ErrorCode::storage_full, "no room");
                                   }},
                             {});
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, ErrorCode::storage_full);
  EXPECT_EQ(taken, 2);
}

// --- progress and cancelling -------------------------------------------------------------------

TEST(Generate, ReportsProgressAfterEachStep) {
  const auto engine = load(model_folder("a3"));
  std::vector<std::pair<int, int>> seen;
  const auto picture = engine->generate(
      small_request(), {.on_progress = [&](Progress p) { seen.emplace_back(p.step, p.steps); }},
      {});
  ASSERT_TRUE(picture.has_value());
  EXPECT_THAT(seen, testing::ElementsAre(std::pair(1, 3), std::pair(2, 3), std::pair(3, 3)));
}

struct Watched {
  image::Picture picture;
  std::vector<image::Picture> previews;
  std::vector<int> after;  // finished steps at each preview
};

Watched watched(Engine& engine, const GenerateRequest& request, int previews) {
  Watched seen;
  int step = 0;
  auto picture = engine.generate(request,
                                 {.on_progress = [&](Progress p) { step = p.step; },
                                  .previews = previews,
                                  .on_preview =
                                      [&](image::Picture preview) {
                                        seen.previews.push_back(std::move(preview));
                                        seen.after.push_back(step);
                                      }},
                                 {});
  CHECK(picture.has_value(), "{}", picture.error().message);
  seen.picture = std::move(*picture);
  return seen;
}

TEST(Generate, SpreadsPreviewsOverTheSteps) {
  const auto engine = load(model_folder("a3"));
  GenerateRequest request = small_request();
  request.steps = 8;
  EXPECT_THAT(watched(*engine, request, 1).after, testing::ElementsAre(4));
  EXPECT_THAT(watched(*engine, request, 3).after, testing::ElementsAre(2, 4, 6));
  request.steps = 3;
  EXPECT_THAT(watched(*engine, request, 3).after, testing::ElementsAre(1, 2));
  EXPECT_THAT(watched(*engine, request, 0).after, testing::IsEmpty());
}

TEST(Generate, MakesTheSamePictureWithPreviews) {
  const auto engine = load(model_folder("a3"));
  const Watched seen = watched(*engine, small_request(), 2);
  ASSERT_EQ(seen.previews.size(), 2U);
  EXPECT_EQ(seen.picture.pixels, generate(*engine, small_request())->pixels);
  EXPECT_EQ(seen.previews[0].width, seen.picture.width);
  EXPECT_EQ(seen.previews[0].height, seen.picture.height);
}

TEST(Generate, PreviewsWhatThePictureWouldBeIfItEndedThere) {
  // From pure noise one step of two, taken to its end, is the only step of one.
  const auto engine = load(model_folder("a1"));
  GenerateRequest request = small_request();
  request.steps = 2;
  const Watched seen = watched(*engine, request, 1);
  request.steps = 1;
  const auto at_once = generate(*engine, request);
  ASSERT_EQ(seen.previews.size(), 1U);
  EXPECT_EQ(seen.previews[0].pixels, at_once->pixels);
  EXPECT_NE(seen.previews[0].pixels, seen.picture.pixels);
}

TEST(Generate, StopsWithinOneStep) {
  const auto engine = load(model_folder("a3"));
  std::stop_source stop;
  int steps = 0;
  const auto picture = engine->generate(small_request(),
                                        {.on_progress =
                                             [&](Progress) {
                                               ++steps;
                                               stop.request_stop();
                                             }},
                                        stop.get_token());
  ASSERT_FALSE(picture.has_value());
  EXPECT_EQ(picture.error().code, ErrorCode::cancelled);
  EXPECT_EQ(steps, 1);
}

TEST(Generate, WorksAgainAfterACancelledRequest) {
  const auto engine = load(model_folder("a3"));
  std::stop_source stop;
  stop.request_stop();
  ASSERT_FALSE(engine->generate(small_request(), {}, stop.get_token()).has_value());
  EXPECT_TRUE(generate(*engine, small_request()).has_value());
}

// --- sizes and fields --------------------------------------------------------------------------

TEST(Generate, CropsToASizeThatIsNoMultipleOfAToken) {
  const auto engine = load(model_folder("a3"));
  GenerateRequest request = small_request();
  request.width = 71;
  request.height = 90;
  const auto cropped = generate(*engine, request);
  ASSERT_TRUE(cropped.has_value()) << cropped.error().message;
  request.width = 80;
  request.height = 96;
  const auto whole = generate(*engine, request);
  ASSERT_TRUE(whole.has_value());
  ASSERT_EQ(cropped->width, 71);
  ASSERT_EQ(cropped->height, 90);
  ASSERT_EQ(cropped->pixels.size(), 71u * 90u * 3u);
  // The middle of the same picture: 4 pixels from the left, 3 from the top.
  const auto at = [](const image::Picture& p, int x, int y) {
    return p.pixels[static_cast<std::size_t>((y * p.width + x) * 3)];
  };
  EXPECT_EQ(at(*cropped, 0, 0), at(*whole, 4, 3));
  EXPECT_EQ(at(*cropped, 70, 89), at(*whole, 74, 92));
}

struct BadRequest {
  const char* name;
  void (*change)(GenerateRequest&);
  const char* field;
};

class Refuses : public testing::TestWithParam<BadRequest> {};

TEST_P(Refuses, NamingTheField) {
  const auto engine = load(model_folder("a3"));
  GenerateRequest request = small_request();
  GetParam().change(request);
  const auto picture = generate(*engine, request);
  ASSERT_FALSE(picture.has_value());
  EXPECT_EQ(picture.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(picture.error().field, GetParam().field);
}

INSTANTIATE_TEST_SUITE_P(
    Request, Refuses,
    testing::Values(
        BadRequest{"TooSmall", [](GenerateRequest& r) { r.width = 63; }, "size"},
        BadRequest{"TooLarge", [](GenerateRequest& r) { r.height = 1 << 20; }, "size"},
        BadRequest{"NegativeSteps", [](GenerateRequest& r) { r.steps = -1; }, "steps"},
        BadRequest{"TooManySteps", [](GenerateRequest& r) { r.steps = 100000; }, "steps"},
        BadRequest{"GuidanceNan",
                   [](GenerateRequest& r) { r.guidance = std::numeric_limits<float>::quiet_NaN(); },
                   "guidance"},
        BadRequest{"NineReferences",
                   [](GenerateRequest& r) { r.references.assign(9, reference(64, 64)); }, "image"},
        BadRequest{"TinyReference", [](GenerateRequest& r) { r.references = {reference(63, 64)}; },
                   "image"},
        BadRequest{"MaskOfNothing", [](GenerateRequest& r) { r.mask = reference(64, 64); }, "mask"},
        BadRequest{"MaskWithTooFewBytes",
                   [](GenerateRequest& r) {
                     r.references = {reference(64, 64)};
                     r.mask = reference(64, 64);
                     r.mask->pixels.pop_back();
                   },
                   "mask"},
        BadRequest{"ReferenceWithTooFewBytes",
                   [](GenerateRequest& r) {
                     r.references = {reference(64, 64)};
                     r.references[0].pixels.pop_back();
                   },
                   "image"}),
    [](const auto& param) { return param.param.name; });

TEST(Generate, TakesEightReferencesAndDropsAlpha) {
  const auto engine = load(model_folder("a3"));
  GenerateRequest request = small_request();
  request.references.assign(7, reference(64, 70));
  request.references.push_back(reference(70, 64, 4));
  const auto picture = generate(*engine, request);
  EXPECT_TRUE(picture.has_value()) << picture.error().message;
}

// --- masks -------------------------------------------------------------------------------------

image::Picture mask_of(std::uint8_t level) {
  return {.width = 96,
          .height = 64,
          .channels = 3,
          .pixels = std::vector<std::uint8_t>(96 * 64 * 3, level)};
}

TEST(Mask, ThatIsBlackKeepsThePictureWhateverIsAskedFor) {
  const auto engine = load(model_folder("a1"));
  GenerateRequest request = small_request();
  request.references = {reference(96, 64)};
  request.mask = mask_of(0);
  const auto kept = generate(*engine, request);
  ASSERT_TRUE(kept.has_value()) << kept.error().message;
  request.seed = 8;
  request.prompt = "a blue tree";
  EXPECT_EQ(generate(*engine, request)->pixels, kept->pixels);
  request.references = {reference(70, 96)};
  EXPECT_NE(generate(*engine, request)->pixels, kept->pixels);
}

TEST(Mask, LeavesEveryPixelOfWholeTokensThatStay) {
  const auto engine = load(model_folder("a1"));
  GenerateRequest request = small_request();
  request.width = 96;
  request.height = 64;
  request.references = {reference(96, 64)};
  request.mask = mask_of(0);
  const auto half = request.mask->pixels.size() / 2;
  std::fill_n(request.mask->pixels.begin(), half, std::uint8_t{255});
  const auto made = generate(*engine, request);
  ASSERT_TRUE(made.has_value()) << made.error().message;
  const std::vector<std::uint8_t>& given = request.references[0].pixels;
  const auto middle = static_cast<std::ptrdiff_t>(half);
  EXPECT_TRUE(std::equal(given.begin() + middle, given.end(), made->pixels.begin() + middle));
  EXPECT_FALSE(std::equal(given.begin(), given.begin() + middle, made->pixels.begin()));
}

TEST(Mask, ThatIsWhiteMakesAllAnew) {
  const auto engine = load(model_folder("a1"));
  GenerateRequest request = small_request();
  request.steps = 4;  // of which none is left out
  request.references = {reference(96, 64)};
  const auto anew = generate(*engine, request);
  ASSERT_TRUE(anew.has_value()) << anew.error().message;
  request.mask = mask_of(255);
  EXPECT_EQ(generate(*engine, request)->pixels, anew->pixels);
}

TEST(Mask, LeavesTheFirstFifthOfManyStepsOut) {
  const auto engine = load(model_folder("a1"));
  GenerateRequest request = small_request();
  request.steps = 10;
  request.references = {reference(96, 64)};
  request.mask = mask_of(255);
  int steps = 0;
  ASSERT_TRUE(engine->generate(
      request, {.on_progress = [&](Progress progress) { steps = progress.steps; }}, {}));
  EXPECT_EQ(steps, 8);
}

TEST(Mask, IsRefusedByNameWhereTheModelCannot) {
  const auto engine = load(model_folder("b1"));
  GenerateRequest request = small_request();
  request.mask = mask_of(0);
  const auto picture = generate(*engine, request);
  ASSERT_FALSE(picture.has_value());
  EXPECT_EQ(picture.error().message, "mask: model \"b1\" cannot keep a part of a picture as it is");
  EXPECT_EQ(picture.error().field, "mask");
}

// --- broken folders ----------------------------------------------------------------------------

/// A copy of a model folder that a test may spoil.
class ChangedFolder : public testing::Test {
 protected:
  ChangedFolder() { fs::copy(model_folder("a4"), folder_, fs::copy_options::recursive); }
  Error load_error() const {
    const auto engine = Engine::load({.path = folder_, .precision = Precision::f32, .threads = 1});
    if (engine.has_value()) return {.message = "loaded"};
    return engine.error();
  }
  fs::path transformer() const {
    return folder_ / "transformer" / "diffusion_pytorch_model.safetensors";
  }
  /// Rewrites a file with one tensor changed.
  static void rewrite(const fs::path& path, const std::function<void(TensorToWrite&)>& change) {
    std::vector<std::vector<std::byte>> bytes;
    std::vector<TensorToWrite> tensors;
    {
      const auto file = SafetensorsFile::open(path);
      CHECK(file.has_value(), "{}", file.error().message);
      for (const FileTensor& t : file->tensors()) {
        bytes.emplace_back(t.bytes.begin(), t.bytes.end());
        tensors.push_back({.name = t.name, .dtype = t.dtype, .shape = t.shape});
      }
    }
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      tensors[i].bytes = bytes[i];
      change(tensors[i]);
    }
    CHECK(write_safetensors(path, tensors).has_value(), "rewrite");
  }

  /// Makes the last number of a tensor NaN.
  void poison() const {
    std::vector<std::byte> poisoned;
    rewrite(transformer(), [&](TensorToWrite& t) {
      if (t.name != kTensor) return;
      poisoned.assign(t.bytes.begin(), t.bytes.end());
      const float nan = std::numeric_limits<float>::quiet_NaN();
      std::memcpy(poisoned.data() + poisoned.size() - sizeof(nan), &nan, sizeof(nan));
      t.bytes = poisoned;
    });
  }

  const TestFolder test_folder_;
  const fs::path& folder_ = test_folder_.path();
  static constexpr const char* kTensor = "single_transformer_blocks.0.attn.to_out.weight";
};

TEST_F(ChangedFolder, WithANativeAreaMakesLargerPicturesThereAndEnlargesThem) {
  std::ofstream(folder_ / "sampling.json") << R"({"native_pixels": 9216})";  // 96 x 96
  const auto engine = load(folder_);
  GenerateRequest request = small_request();
  request.width = request.height = 96;
  const auto native = generate(*engine, request);
  request.width = request.height = 192;
  const auto large = generate(*engine, request);
  ASSERT_TRUE(native.has_value() && large.has_value());
  ASSERT_EQ(large->width, 192);
  ASSERT_EQ(large->height, 192);
  const Context context({.threads = 1});
  EXPECT_EQ(large->pixels, resize_lanczos(context, native->view(), 192, 192));
}

TEST_F(ChangedFolder, ThatSharpensEdgesDoesSoBeforeAndAfterEnlarging) {
  GenerateRequest request = small_request();
  request.width = request.height = 96;
  const auto soft = generate(*load(folder_), request);
  std::ofstream(folder_ / "sampling.json") << R"({"native_pixels": 9216, "sharpen_edges": 2})";
  const auto engine = load(folder_);
  const auto native = generate(*engine, request);
  request.width = request.height = 192;
  const auto large = generate(*engine, request);
  ASSERT_TRUE(soft.has_value() && native.has_value() && large.has_value());
  const Context context({.threads = 1});
  EXPECT_NE(native->pixels, soft->pixels);
  EXPECT_EQ(native->pixels, sharpen_edges(context, soft->view(), {.passes = 2}).pixels);
  const std::vector<std::uint8_t> enlarged = resize_lanczos(context, native->view(), 192, 192);
  const EdgeSharpening twice{.sigma = 2, .reach = 1.2, .weak = 3};
  EXPECT_EQ(large->pixels, sharpen_edges(context, {192, 192, 3, enlarged}, twice).pixels);
}

TEST_F(ChangedFolder, LoadsWhileItIsWhole) { EXPECT_EQ(load_error().message, "loaded"); }

TEST_F(ChangedFolder, WithoutAWeightFileNamesIt) {
  fs::remove(folder_ / "vae" / "diffusion_pytorch_model.safetensors");
  EXPECT_EQ(load_error().code, ErrorCode::not_found);
  EXPECT_THAT(load_error().message, testing::HasSubstr("vae"));
}

TEST_F(ChangedFolder, WithoutATokenizerSaysSo) {
  fs::remove_all(folder_ / "tokenizer");
  EXPECT_EQ(load_error().code, ErrorCode::not_found);
  EXPECT_THAT(load_error().message, testing::HasSubstr("tokenizer"));
}

TEST_F(ChangedFolder, WithAWrongShapeNamesTensorAndBothShapes) {
  rewrite(transformer(), [](TensorToWrite& t) {
    if (t.name == kTensor) std::swap(t.shape[0], t.shape[1]);
  });
  EXPECT_EQ(load_error().code, ErrorCode::invalid_argument);
  EXPECT_THAT(load_error().message,
              testing::AllOf(testing::HasSubstr(kTensor), testing::HasSubstr("[64, 192]"),
                             testing::HasSubstr("[192, 64]")));
}

TEST_F(ChangedFolder, WithANanThatIsReadInPlaceNamesTheTensorInTheAnswer) {
  poison();
  const auto engine = Engine::load({.path = folder_,
                                    .precision = Precision::f32,
                                    .threads = 1,
                                    .implementations = "weights=in_place"});
  ASSERT_TRUE(engine.has_value()) << engine.error().message;
  const auto picture = generate(**engine, small_request());
  ASSERT_FALSE(picture.has_value());
  EXPECT_EQ(picture.error().code, ErrorCode::data_loss);
  EXPECT_THAT(picture.error().message, testing::HasSubstr(kTensor));
  EXPECT_TRUE((*engine)->intact().has_value());  // loading it again would not help
}

TEST_F(ChangedFolder, WithANanNamesTheTensor) {
  poison();
  EXPECT_EQ(load_error().code, ErrorCode::data_loss);
  EXPECT_THAT(load_error().message, testing::HasSubstr(kTensor));
}

TEST_F(ChangedFolder, CutShortSaysSoWithoutACrash) {
  fs::resize_file(transformer(), fs::file_size(transformer()) / 2);
  EXPECT_EQ(load_error().code, ErrorCode::data_loss);
  EXPECT_THAT(load_error().message, testing::HasSubstr("diffusion_pytorch_model.safetensors"));
}

TEST_F(ChangedFolder, WithAWeightTooManyIsAnotherModel) {
  rewrite(transformer(), [](TensorToWrite& t) {
    if (t.name == "transformer_blocks.0.ff.linear_in.weight") {
      t.name = "transformer_blocks.7.ff.linear_in.weight";
    }
  });
  EXPECT_THAT(load_error().message, testing::HasSubstr("transformer_blocks.0.ff.linear_in.weight"));
}

TEST_F(ChangedFolder, OverwrittenUnderAModelIsNoticedAndLoadsAgain) {
  const auto engine = Engine::load({.path = folder_, .precision = Precision::f32, .threads = 1});
  ASSERT_TRUE(engine.has_value()) << engine.error().message;
  EXPECT_TRUE((*engine)->intact().has_value());
  const fs::path encoder = folder_ / "text_encoder" / "model.safetensors";
  fs::last_write_time(encoder, fs::last_write_time(encoder) + std::chrono::hours(1));
  EXPECT_EQ((*engine)->intact().error().code, ErrorCode::data_loss);
  const auto picture = generate(**engine, small_request());
  ASSERT_FALSE(picture.has_value());
  EXPECT_EQ(picture.error().code, ErrorCode::data_loss);
  EXPECT_THAT(picture.error().message,
              testing::HasSubstr("model.safetensors: the file was written"));
  EXPECT_EQ(load_error().message, "loaded");
}

// --- how a request is read ---------------------------------------------------------------------

std::string words(int count) {
  std::string text = "ball";
  for (int i = 1; i < count; ++i) text += " ball";
  return text;
}

TEST(Reading, CountsTheTokensOfThePromptAndThoseThatAreRead) {
  const auto engine = load(model_folder("a4"));  // reads 32
  GenerateRequest request = small_request();
  request.prompt = "a red house";
  const RequestReading whole = engine->read(request);
  EXPECT_EQ(whole.prompt_tokens,
            static_cast<std::int64_t>(tokenize_prompt(model_folder("a4"), request.prompt)->size()));
  EXPECT_EQ(whole.tokens_read, whole.prompt_tokens);
  EXPECT_THAT(whole.warnings, testing::IsEmpty());
  request.prompt = words(100);
  const RequestReading cut = engine->read(request);
  EXPECT_GT(cut.prompt_tokens, 100);
  EXPECT_EQ(cut.tokens_read, 32);
  EXPECT_THAT(cut.warnings,
              testing::ElementsAre(testing::HasSubstr("reads the first 32 of the prompt's")));
}

TEST(Reading, SaysThatANegativePromptIsCutToo) {
  const auto engine = load(model_folder("a4"));
  GenerateRequest request = small_request();
  request.negative_prompt = words(100);
  EXPECT_THAT(
      engine->read(request).warnings,
      testing::ElementsAre(testing::HasSubstr("reads the first 32 of the negative prompt's")));
}

TEST(Reading, SaysThatClipReadsLessThanT5) {
  const auto engine = load(model_folder("b2"));
  GenerateRequest request = small_request();
  request.prompt = words(40);
  EXPECT_THAT(engine->read(request).warnings,
              testing::Contains(testing::HasSubstr("CLIP reads the first")));
}

TEST(Reading, SaysThatGuidanceHasNoEffectOnADistilledModel) {
  GenerateRequest request = small_request();
  request.guidance = 7.0f;
  EXPECT_THAT(load(model_folder("a1"))->read(request).warnings,
              testing::ElementsAre(testing::HasSubstr("guidance 7 has no effect")));
  EXPECT_THAT(load(model_folder("a4"))->read(request).warnings, testing::IsEmpty());
}

TEST(Reading, NamesTheWordsThatTheBuiltInModelDoesNotKnow) {
  const auto engine = load(fs::path(IMAGINED_SOURCE_DIR) / "models" / "paperland");
  GenerateRequest request = small_request();
  request.prompt = "a red house beside a skyline";
  const std::vector<std::string> warnings = engine->read(request).warnings;
  EXPECT_THAT(warnings, testing::ElementsAre(
                            testing::HasSubstr("this model knows no \"skyline\"; it draws cat, ")));
  const std::size_t shown = 8;
  const std::string others = std::to_string(engine->summary().draws.size() - shown);
  EXPECT_THAT(warnings, testing::ElementsAre(testing::EndsWith(" and " + others + " more")));
  EXPECT_FALSE(engine->summary().card.empty());
  request.prompt = "?!";
  EXPECT_THAT(engine->read(request).warnings,
              testing::ElementsAre(testing::HasSubstr("the prompt has no word")));
  // A header carries it too: a word as long as the prompt is cut.
  request.prompt = std::string(100, 'a') + "\u6728" + std::string(9'000, 'b');
  EXPECT_THAT(
      engine->read(request).warnings.back(),
      testing::HasSubstr(std::string(100, 'a') + "\u6728" + std::string(17, 'b') + "...\";"));
}

TEST(Reading, SaysThatAMaskLeavesTheWholePictureAsItIs) {
  const auto engine = load(model_folder("a1"));
  GenerateRequest request = small_request();
  image::Picture mask{.width = 96, .height = 64, .channels = 3};
  mask.pixels.resize(96 * 64 * 3);
  request.mask = mask;
  EXPECT_THAT(engine->read(request).warnings, testing::ElementsAre(testing::HasSubstr("the mask")));
  std::ranges::fill(request.mask->pixels, 255);
  EXPECT_THAT(engine->read(request).warnings, testing::IsEmpty());
}

TEST(Reading, RefusesALongPromptWhereThatIsAskedFor) {
  const auto engine = Engine::load({.path = model_folder("a4"),
                                    .long_prompt = LongPrompt::refuse,
                                    .precision = Precision::f32,
                                    .threads = 1});
  ASSERT_TRUE(engine.has_value()) << engine.error().message;
  EXPECT_TRUE(generate(**engine, small_request()).has_value());
  GenerateRequest request = small_request();
  request.prompt = words(100);
  const auto picture = generate(**engine, request);
  ASSERT_FALSE(picture.has_value());
  EXPECT_EQ(picture.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(picture.error().field, "prompt");
  request = small_request();
  request.negative_prompt = words(100);
  EXPECT_EQ(generate(**engine, request).error().field, "negative_prompt");
}

// --- the rest of the face ----------------------------------------------------------------------

TEST(Summary, SaysWhatTheFilesSay) {
  const auto engine = load(model_folder("a4"));
  const ModelSummary& summary = engine->summary();
  EXPECT_EQ(summary.name, "a4");
  EXPECT_EQ(summary.pixels_per_token, 32);
  EXPECT_EQ(summary.max_prompt_tokens, 32);
  EXPECT_FALSE(summary.distilled);
  EXPECT_EQ(summary.distilled_by, "model_index.json");
  EXPECT_FALSE(summary.cached_references);
  EXPECT_EQ(summary.guidance, GuidanceUse::two_passes);
  EXPECT_EQ(summary.max_references, 8);
  EXPECT_TRUE(summary.inpaints);
  std::vector<std::string> parts;
  for (const ModelFile& file : summary.files) parts.push_back(file.part);
  EXPECT_THAT(parts, testing::ElementsAre("transformer", "text_encoder", "vae", "tokenizer"));
  EXPECT_GT(summary.parameters, 100'000);
  EXPECT_GT(summary.weight_bytes, 100'000);
}

TEST(Summary, SaysWhatAFlux1ModelIs) {
  const ModelSummary dev = load(model_folder("b2"))->summary();
  EXPECT_EQ(dev.family, "flux1");
  EXPECT_EQ(dev.default_steps, 28);
  EXPECT_EQ(dev.default_guidance, 3.5f);
  EXPECT_EQ(dev.max_prompt_tokens, 37);
  EXPECT_EQ(dev.guidance, GuidanceUse::embedded);
  EXPECT_EQ(dev.max_references, 0);
  EXPECT_FALSE(dev.inpaints);
  EXPECT_EQ(load(model_folder("b1"))->summary().default_steps, 4);
}

TEST(Tokens, OfAFlux1ModelAreThoseOfT5) {
  const auto ids = tokenize_prompt(model_folder("b1"), "a red fox");
  ASSERT_TRUE(ids.has_value()) << ids.error().message;
  EXPECT_EQ(ids->back(), 1);  // </s>
  EXPECT_GT(ids->size(), 3u);
}

TEST(Load, RefusesADeviceThatThisBuildDoesNotHave) {
  const auto engine = Engine::load({.path = model_folder("a4"), .device = "cuda:0"});
  ASSERT_FALSE(engine.has_value());
  EXPECT_EQ(engine.error().code, ErrorCode::unimplemented);
}

TEST(Bench, CountsStagesAndTheirArithmetic) {
  GenerateRequest request = small_request();
  request.references = {reference(64, 64)};
  double ticks = 0;
  const auto report =
      bench_model({.path = model_folder("a4"), .threads = 2},
                  {.generate = request, .repeats = 2, .seconds_now = [&] { return ticks += 1; }});
  ASSERT_TRUE(report.has_value()) << report.error().message;
  std::vector<std::pair<std::string, int>> stages;
  for (const StageReport& stage : report->stages) {
    stages.emplace_back(stage.stage, stage.count);
    EXPECT_EQ(stage.seconds, 1) << stage.stage;  // two looks at a clock that ticks once per look
  }
  // Two texts: guidance needs the empty prompt as well.
  EXPECT_THAT(stages,
              testing::ElementsAre(std::pair("text_encode", 2), std::pair("reference_encode", 1),
                                   std::pair("prepare", 1), std::pair("step", 3),
                                   std::pair("decode", 1), std::pair("finish", 1)));
}

TEST(TokenizePrompt, PutsTheChatTemplateAround) {
  const auto bare = tokenize_prompt(model_folder("a4"), "");
  const auto prompt = tokenize_prompt(model_folder("a4"), "ball");
  ASSERT_TRUE(bare.has_value() && prompt.has_value());
  EXPECT_GT(prompt->size(), bare->size());
  EXPECT_EQ(prompt->front(), bare->front());
  EXPECT_EQ(prompt->back(), bare->back());
}

}  // namespace
}  // namespace imagined::engine

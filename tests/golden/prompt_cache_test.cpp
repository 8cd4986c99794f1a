// Features of the last few prompts are kept: who asks again waits for no text encoder.
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "base/check.h"
#include "engine/pipeline/pipeline.h"

namespace imagined::engine {
namespace {

class PromptCache : public testing::Test {
 protected:
  PromptCache() {
    auto opened =
        Pipeline::open({.path = std::filesystem::path(IMAGINED_SOURCE_DIR) / "tests/golden/a1",
                        .precision = Precision::f32,
                        .threads = 1});
    CHECK(opened.has_value(), "{}", opened.error().message);
    pipeline_ = std::move(*opened);
  }

  /// How often a text encoder ran for a picture of this prompt.
  int encodings_of(const std::string& prompt) {
    StageLog log([] { return 0.0; });
    Batch batch{
        .seeds = {1}, .watch = {}, .take = [](int, const image::Picture&) { return Result<>(); }};
    CHECK(pipeline_
              ->generate_batch({.prompt = prompt, .width = 64, .height = 64, .steps = 1}, batch,
                               {.log = &log})
              .has_value(),
          "no picture");
    return log.entry(Stage::text_encode).count;
  }

 private:
  std::unique_ptr<Pipeline> pipeline_;
};

TEST_F(PromptCache, AnswersForTheSamePromptWithoutATextEncoder) {
  EXPECT_EQ(encodings_of("a red house"), 1);
  EXPECT_EQ(encodings_of("a red house"), 0);
  EXPECT_EQ(encodings_of("a blue house"), 1);
  EXPECT_EQ(encodings_of("a red house"), 0);
}

TEST_F(PromptCache, ForgetsThePromptThatWasNotAskedForTheLongest) {
  EXPECT_EQ(encodings_of("one"), 1);
  for (const char* other : {"two", "three", "four", "five"}) EXPECT_EQ(encodings_of(other), 1);
  EXPECT_EQ(encodings_of("five"), 0);
  EXPECT_EQ(encodings_of("one"), 1);
}

}  // namespace
}  // namespace imagined::engine

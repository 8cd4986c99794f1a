// Edits in the worker: given pictures from their blobs to the engine.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>

#include "image/decode.h"
#include "image/encode.h"
#include "worker/worker_fixture.h"

namespace imagined::worker {
namespace {

using testing::HasSubstr;

class WorkerEditTest : public WorkerTest {
 protected:
  /// A picture of one colour, as its blob.
  std::string given(int width, int height, std::uint8_t colour) {
    const std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width * height * 3), colour);
    const auto file = *image::encode({width, height, 3, pixels}, image::Format::png);
    return *memory_blobs_.put(file);
  }
  std::string given_bytes(std::string_view bytes) {
    return *memory_blobs_.put({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  }

  std::string submit_edit(std::vector<std::string> references, std::string mask = {},
                          service::AspectRatio ratio = service::AspectRatio::auto_,
                          service::Resolution resolution = service::Resolution::k1) {
    service::EditRequest edit{
        .pictures = {.model = "fast", .prompt = service::Prompt::trusted("a hat")}};
    edit.pictures.aspect_ratio = ratio;
    edit.pictures.resolution = resolution;
    edit.references = std::move(references);
    edit.mask = std::move(mask);
    return submit_payload(edit);
  }
};

TEST_F(WorkerEditTest, GivesTheEngineTheReferencesInTheirOrder) {
  std::vector<image::Picture> seen;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&, std::stop_token) {
    seen = request.references;
    return grey_picture(request);
  };
  start();
  const auto job = finished(submit_edit({given(4, 2, 10), given(2, 2, 20), given(4, 2, 10)}));
  EXPECT_EQ(job.state, service::JobState::succeeded);
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].pixels, std::vector<std::uint8_t>(24, 10));
  EXPECT_EQ(seen[1].pixels, std::vector<std::uint8_t>(12, 20));
  EXPECT_EQ(seen[2].width, 4);
}

TEST_F(WorkerEditTest, TakesTheRatioOfTheFirstReferenceUnlessOneIsNamed) {
  std::pair<int, int> size;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&, std::stop_token) {
    size = {request.width, request.height};
    return grey_picture(request);
  };
  start();
  finished(submit_edit({given(160, 90, 1), given(10, 10, 1)}));
  EXPECT_EQ(size, std::pair(1280, 720));
  finished(submit_edit({given(160, 90, 1)}, {}, service::AspectRatio::r1_1));
  EXPECT_EQ(size, std::pair(1024, 1024));
}

TEST_F(WorkerEditTest, GivesTheEngineTheMaskAtTheSizeOfTheFirstReference) {
  std::optional<image::Picture> seen;
  std::pair<int, int> size;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&, std::stop_token) {
    seen = request.mask;
    size = {request.width, request.height};
    return grey_picture(request);
  };
  start();
  const auto job = finished(submit_edit({given(200, 100, 1), given(64, 64, 1)}, given(3, 2, 255)));
  EXPECT_EQ(job.state, service::JobState::succeeded);
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->pixels, std::vector<std::uint8_t>(18, 255));
  EXPECT_EQ(size, std::pair(192, 96));
}

// A mask's levels say how much, not which colour.
TEST_F(WorkerEditTest, HonoursTheColourProfileOfAReferenceAndNotOfTheMask) {
  std::optional<engine::GenerateRequest> seen;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&, std::stop_token) {
    seen = request;
    return grey_picture(request);
  };
  start();
  std::ifstream in(std::string(IMAGINED_SOURCE_DIR) + "/tests/fuzz/corpus/image/png-display-p3",
                   std::ios::binary);
  const std::vector<std::uint8_t> file{std::istreambuf_iterator<char>(in), {}};
  const std::string blob = *memory_blobs_.put(file);
  EXPECT_EQ(finished(submit_edit({blob}, blob)).state, service::JobState::succeeded);
  ASSERT_TRUE(seen && seen->mask);
  const auto as_srgb = image::decode(file, {}, image::Colours::as_srgb);
  const auto as_stored = image::decode(file, {}, image::Colours::as_stored);
  ASSERT_NE(as_srgb->pixels, as_stored->pixels);
  EXPECT_EQ(seen->references.front().pixels, as_srgb->pixels);
  EXPECT_EQ(seen->mask->pixels, as_stored->pixels);
}

TEST_F(WorkerEditTest, SaysThatAMaskKeepsTheShapeOfTheFirstReference) {
  start();
  const auto warnings = [&](service::AspectRatio ratio) {
    const std::string id = submit_edit({given(200, 100, 1)}, given(3, 2, 255), ratio);
    EXPECT_EQ(finished(id).state, service::JobState::succeeded);
    return (*memory_jobs_.pictures(id)).front().reading.warnings;
  };
  EXPECT_THAT(warnings(service::AspectRatio::r1_1),
              testing::Contains("aspect_ratio: 1:1 means 1024x1024, but with a mask the picture "
                                "keeps the shape of image 1 and is 192x96"));
  EXPECT_THAT(warnings(service::AspectRatio::auto_),
              testing::Not(testing::Contains(HasSubstr("aspect_ratio"))));
}

TEST_F(WorkerEditTest, SaysThatAMaskEnlargesNothing) {
  start();
  const auto warnings = [&](std::string picture, std::string mask, service::Resolution resolution) {
    const std::string id =
        submit_edit({std::move(picture)}, std::move(mask), service::AspectRatio::auto_, resolution);
    EXPECT_EQ(finished(id).state, service::JobState::succeeded);
    return (*memory_jobs_.pictures(id)).front().reading.warnings;
  };
  const auto is_said = testing::Contains(HasSubstr("resolution"));
  const std::string small = given(200, 100, 1);
  const std::string mask = given(3, 2, 255);
  EXPECT_THAT(warnings(small, mask, service::Resolution::k2),
              testing::Contains("resolution: 2k means 2912x1456, but with a mask the picture is "
                                "not enlarged: it is as large as image 1, 192x96"));
  EXPECT_THAT(warnings(small, mask, service::Resolution::k1), testing::Not(is_said));
  EXPECT_THAT(warnings(small, {}, service::Resolution::k2), testing::Not(is_said));
  EXPECT_THAT(warnings(given(2100, 2100, 1), mask, service::Resolution::k2), testing::Not(is_said));
}

TEST_F(WorkerEditTest, NamesThePictureThatIsNone) {
  start();
  const auto error = [&](std::vector<std::string> references, std::string mask = {}) {
    const auto job = finished(submit_edit(std::move(references), std::move(mask)));
    EXPECT_EQ(job.state, service::JobState::failed);
    return job.error.value_or(Error{});
  };
  const Error none = error({given(4, 4, 1), given_bytes("hello")});
  EXPECT_THAT(none.message, HasSubstr("image 2 is of an unknown format"));
  EXPECT_EQ(none.field, "image");
  EXPECT_THAT(error({given(4, 4, 1)}, given_bytes("hello")).message,
              HasSubstr("the mask is of an unknown format"));
  EXPECT_THAT(error({given_bytes("\x89PNG\r\n\x1A\n")}).message, HasSubstr("image 1 is a broken"));
  EXPECT_EQ(error({given(4, 4, 1)}, given_bytes("hello")).field, "mask");
}

}  // namespace
}  // namespace imagined::worker

// The decoder's children are this program.
int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "decode")
    return imagined::decoder::decode_for_parent(std::atoi(argv[2]));
  testing::InitGoogleMock(&argc, argv);
  return RUN_ALL_TESTS();
}

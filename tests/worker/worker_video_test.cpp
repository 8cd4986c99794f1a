// Videos in the worker: what is given to the engine, and its frames to a file that is read back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "image/encode.h"
#include "video/recording.h"
#include "worker/worker_fixture.h"

namespace imagined::worker {
namespace {

using service::VideoRequest;
using service::VideoTask;
using testing::ElementsAre;
using testing::HasSubstr;

class WorkerVideoTest : public WorkerTest {
 protected:
  static VideoRequest some_video() {
    return {.frames = {.model = "fast", .prompt = service::Prompt::trusted("it snows"), .seed = 40},
            .seconds = 2};
  }
  static image::Picture grey(int width, int height, std::uint8_t level) {
    image::Picture picture{.width = width, .height = height, .pixels = {}};
    picture.pixels.assign(static_cast<std::size_t>(width * height * 3), level);
    return picture;
  }
  std::string given_picture(int width, int height, std::uint8_t level) {
    return *memory_blobs_.put(
        *image::encode(grey(width, height, level).view(), image::Format::png));
  }
  /// A video of so many frames at 8 a second.
  std::string given_video(int width, int height, int frames, std::uint8_t level) {
    auto recording = video::Recording::begin(width, height, 8, video::Codec::h264);
    for (int i = 0; i < frames; ++i) EXPECT_TRUE(recording->add(grey(width, height, level)));
    return *memory_blobs_.put(recording->finish());
  }
  /// Of tests/videos.
  std::string given_file(const std::string& name) {
    std::ifstream in(std::string(IMAGINED_SOURCE_DIR) + "/tests/videos/" + name, std::ios::binary);
    return *memory_blobs_.put(std::vector<std::uint8_t>{std::istreambuf_iterator<char>(in), {}});
  }
  service::Job make(VideoRequest wanted) { return finished(submit_payload(std::move(wanted))); }
  service::StoredPicture clip_of(const service::Job& job) {
    EXPECT_EQ(job.state, service::JobState::succeeded) << service::reason_of(job).message;
    const auto clips = *memory_jobs_.pictures(job.id);
    EXPECT_EQ(clips.size(), 1u);
    return clips.front();
  }
  /// A file of tests/videos and a second more.
  service::StoredPicture extended(const std::string& name) {
    VideoRequest wanted = some_video();
    wanted.task = VideoTask::extension;
    wanted.seconds = 1;
    wanted.video = given_file(name);
    return clip_of(make(wanted));
  }
  video::Frames frames_of(const service::StoredPicture& clip) {
    return *decoder_.decode_video(*memory_blobs_.get(clip.blob));
  }
  /// Of the middle of a frame; encoding may change it a little.
  static int level_of(const video::Frames& frames, int index) {
    const image::Picture picture = frames.picture(index);
    return picture.pixels[picture.pixels.size() / 2];
  }
};

TEST_F(WorkerVideoTest, MakesAClipOfWordsThatPlaysAsLongAsItWasAskedFor) {
  start();
  const service::StoredPicture clip = clip_of(make(some_video()));
  EXPECT_EQ(clip.format, service::FileFormat::mp4);
  EXPECT_EQ(std::pair(clip.width, clip.height), std::pair(848, 480));
  EXPECT_EQ(clip.duration_ms, 2'000);
  EXPECT_EQ(clip.seed, 40u);
  EXPECT_THAT(clip.reading.warnings, ElementsAre("the prompt was cut"));
  const video::Frames frames = frames_of(clip);
  EXPECT_EQ(frames.count, 8) << "at the 4 a second of the model";
  EXPECT_DOUBLE_EQ(frames.seconds, 2);
  EXPECT_NEAR(level_of(frames, 7), 200 - 7 * 8, 3);
  EXPECT_FALSE(clips_.front().first_frame) << "the model makes it of the words";
}

TEST_F(WorkerVideoTest, BeginsWithThePictureThatIsGivenInItsShape) {
  start();
  VideoRequest wanted = some_video();
  wanted.image = given_picture(90, 160, 77);
  wanted.resolution = service::VideoResolution::p720;
  wanted.frames.aspect_ratio = service::AspectRatio::r16_9;
  const service::StoredPicture clip = clip_of(make(wanted));
  EXPECT_EQ(std::pair(clip.width, clip.height), std::pair(720, 1280));
  EXPECT_EQ(clips_.front().first_frame->pixels.front(), 77);
  EXPECT_THAT(clip.reading.warnings, testing::Contains(HasSubstr("aspect_ratio")));
}

TEST_F(WorkerVideoTest, GoesOnFromTheLastFrameOfAVideoAndKeepsItInFront) {
  start();
  VideoRequest wanted = some_video();
  wanted.task = VideoTask::extension;
  wanted.seconds = 1;
  wanted.video = given_video(96, 64, 16, 160);
  const service::Job job = make(wanted);
  const service::StoredPicture clip = clip_of(job);
  const video::Frames frames = frames_of(clip);
  EXPECT_EQ(std::pair(frames.width, frames.height), std::pair(96, 64));
  EXPECT_EQ(clip.duration_ms, 3'000);
  ASSERT_EQ(frames.count, 24) << "at the 8 a second of the video";
  EXPECT_NEAR(level_of(frames, 15), 160, 3);
  EXPECT_NEAR(level_of(frames, 16), 160 - 8, 3) << "the first new one, shown twice";
  EXPECT_NEAR(level_of(frames, 17), 160 - 8, 3);
  EXPECT_NEAR(level_of(frames, 23), 160 - 4 * 8, 3);
  EXPECT_NEAR(clips_.front().first_frame->pixels.front(), 160, 3);
}

TEST_F(WorkerVideoTest, DrawsAFrameOfEachSecondAnewAndGoesOnFromIt) {
  std::vector<int> seen;  // by the drawer
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&, std::stop_token) {
    seen.push_back(request.references.front().pixels.front());
    EXPECT_EQ(request.seed, 40u) << "one look for all";
    return grey(request.width, request.height, static_cast<std::uint8_t>(100 + seen.size()));
  };
  start();
  VideoRequest wanted = some_video();
  wanted.task = VideoTask::edit;
  wanted.seconds = service::kEditedSecondsReserved;
  wanted.video = given_video(96, 64, 12, 160);  // a second and a half
  const service::StoredPicture clip = clip_of(make(wanted));
  EXPECT_EQ(clip.duration_ms, 1'500);
  EXPECT_THAT(seen, ElementsAre(testing::AllOf(testing::Ge(157), testing::Le(163)),
                                testing::AllOf(testing::Ge(157), testing::Le(163))));
  ASSERT_EQ(clips_.size(), 2u);
  EXPECT_EQ(clips_[0].frames, 4);
  EXPECT_EQ(clips_[1].frames, 2);
  EXPECT_EQ(clips_[1].first_frame->pixels.front(), 102);
}

TEST_F(WorkerVideoTest, DrawsTheFramesAnewThatAreShownAtEachSecondOfAVariableRate) {
  std::vector<int> seen;
  behaviour_ = [&](const engine::GenerateRequest& request, const Report&, std::stop_token) {
    seen.push_back(request.references.front().pixels.front());
    return grey(request.width, request.height, 100);
  };
  start();
  VideoRequest wanted = some_video();
  wanted.task = VideoTask::edit;
  wanted.seconds = service::kEditedSecondsReserved;
  wanted.video = given_file("variable.mp4");
  const service::StoredPicture clip = clip_of(make(wanted));
  EXPECT_EQ(clip.duration_ms, 4'750) << "4.7 s in the 4 a second of the model";
  ASSERT_EQ(seen.size(), 5u);
  const int at[] = {0, 10, 12, 15, 17};  // frames shown at 0, 1, 1.8 to 2.2, 3, 3.8 to 4.2 s
  for (std::size_t i = 0; i < 5; ++i) EXPECT_NEAR(seen[i], 16 + 8 * at[i], 3) << i;
}

TEST_F(WorkerVideoTest, KeepsThePaceOfAVideoThatItGoesOnFrom) {
  start();
  const service::StoredPicture clip = extended("variable.mp4");
  EXPECT_EQ(clip.duration_ms, 5'700);
  const video::Frames frames = frames_of(clip);
  ASSERT_EQ(frames.count, 57) << "at the 10 a second of its fast part";
  for (const auto& [tenth, given] :
       {std::pair{0, 0}, {9, 9}, {10, 10}, {13, 10}, {14, 11}, {33, 15}, {45, 18}, {46, 19}})
    EXPECT_NEAR(level_of(frames, tenth), 16 + 8 * given, 3) << tenth;
  EXPECT_NEAR(clips_.front().first_frame->pixels.front(), 16 + 8 * 19, 3) << "the last one";
}

TEST_F(WorkerVideoTest, TakesAVideoForAsLongAsItsLastFrameIsHeld) {
  start();
  const service::StoredPicture clip = extended("held.mp4");
  EXPECT_EQ(clip.duration_ms, 6'100);
  const video::Frames frames = frames_of(clip);
  EXPECT_NEAR(level_of(frames, 49), 16 + 8 * 9, 3);
  EXPECT_NEAR(level_of(frames, 50), 16 + 8 * 10, 3);
}

TEST_F(WorkerVideoTest, TellsHowFarTheWholeOfItIs) {
  start();
  VideoRequest wanted = some_video();
  wanted.task = VideoTask::edit;
  wanted.seconds = service::kEditedSecondsReserved;
  wanted.video = given_video(96, 64, 16, 160);
  clip_of(make(wanted));
  double before = 0;
  for (const service::JobEvent& event : events_.all()) {
    if (event.kind != service::JobEvent::Kind::progress) continue;
    const double share = static_cast<double>(event.step) / event.steps;
    EXPECT_GE(share, before);
    before = share;
  }
  EXPECT_EQ(before, 1);
}

TEST_F(WorkerVideoTest, NamesWhatIsWrongWithWhatIsGiven) {
  start();
  const auto error_of = [&](VideoRequest wanted) {
    const service::Job job = make(std::move(wanted));
    EXPECT_EQ(job.state, service::JobState::failed);
    return job.error.value_or(Error{});
  };
  VideoRequest wanted = some_video();
  wanted.image = *memory_blobs_.put(std::vector<std::uint8_t>{1, 2, 3});
  EXPECT_EQ(error_of(wanted).field, "image");
  wanted = some_video();
  wanted.task = VideoTask::extension;
  wanted.video = given_picture(64, 64, 1);
  EXPECT_EQ(error_of(wanted).field, "video");
  EXPECT_EQ(error_of(wanted).code, ErrorCode::invalid_argument);
  wanted.task = VideoTask::edit;
  wanted.video = given_video(96, 64, 72, 160);
  EXPECT_EQ(error_of(wanted).message, "video: it lasts 9.0 s, expected 0.1 to 8.7 s");
  wanted.video = given_video(96, 32, 8, 160);
  EXPECT_THAT(error_of(wanted).message, HasSubstr("96 x 32 pixels"));
}

}  // namespace
}  // namespace imagined::worker

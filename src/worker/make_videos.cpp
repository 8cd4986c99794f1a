#include "worker/make_videos.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <variant>

#include "base/crypto.h"
#include "image/label.h"
#include "service/pictures/edit_request.h"
#include "service/pictures/given_size.h"
#include "service/videos/video_request.h"
#include "video/recording.h"
#include "worker/make_pictures.h"

namespace imagined::worker {
namespace {

using service::VideoRequest;
using service::VideoTask;

constexpr double kGivenSecondsMin = 0.1;
constexpr double kExtendedSecondsMax = 30;
constexpr int kLongEditedSide = 1280;  // of what is drawn anew: 720p
constexpr int kShortEditedSide = 720;
constexpr int kSideMin = 64;  // that the engine draws

tl::unexpected<Error> about_video(std::string message) {
  return fail(ErrorCode::invalid_argument, "video: " + std::move(message), "video");
}

Result<image::Picture> read_first_frame(const Making& making, std::string_view blob) {
  const auto file = TRY(making.blobs.get(blob));
  auto picture = making.decoder.decode(file, service::kGivenPictureLimits);
  if (!picture) return tl::unexpected(service::about_given(std::move(picture.error()), "image"));
  return picture;
}

Result<video::Frames> read_video(const Making& making, const VideoRequest& wanted) {
  const auto file = TRY(making.blobs.get(wanted.video));
  auto frames = making.decoder.decode_video(file);
  if (!frames) {
    Error& error = frames.error();
    // 415 would be about the type of the body.
    if (error.code == ErrorCode::unsupported_media_type) error.code = ErrorCode::invalid_argument;
    error.field = "video";
    return frames;
  }
  const double most =
      wanted.task == VideoTask::edit ? service::kEditedSecondsMax : kExtendedSecondsMax;
  if (frames->seconds < kGivenSecondsMin || frames->seconds > most)
    return about_video(fmt::format("it lasts {:.1f} s, expected {} to {} s", frames->seconds,
                                   kGivenSecondsMin, most));
  if (std::min(frames->width, frames->height) < kSideMin)
    return about_video(fmt::format("it has {} x {} pixels, expected at least {} on each side",
                                   frames->width, frames->height, kSideMin));
  return frames;
}

/// A clip in the making.
class Clip {
 public:
  Clip(const Making& making, const VideoRequest& wanted)
      : making_(making),
        wanted_(wanted),
        seed_(wanted.frames.seed ? *wanted.frames.seed : making.random_seed()) {
    const service::Sold& sold = making.active.job().sold;
    request_ = {.prompt = wanted.frames.prompt.text(),
                .first_frame = {},
                .steps = sold.steps.value_or(making.model.steps),
                .guidance = sold.steps ? sold.guidance : making.model.guidance,
                .seed = seed_};
  }

  Result<> make() {
    if (speed() == 0)  // its weights are others than when the job was taken
      return fail(ErrorCode::invalid_argument,
                  fmt::format("model: \"{}\" makes no videos: it was not trained for clips",
                              making_.model.id),
                  "model");
    read_prompt();
    switch (wanted_.task) {
      case VideoTask::generation:
        return generate();
      case VideoTask::extension:
        return extend();
      case VideoTask::edit:
        return edit();
    }
    return {};
  }

 private:
  int speed() const { return making_.clip_frames_per_second; }

  Result<> generate() {
    if (!wanted_.image.empty())
      request_.first_frame = TRY(read_first_frame(making_, wanted_.image));
    const auto& first = request_.first_frame;
    const service::AspectRatio asked = wanted_.frames.aspect_ratio;
    const bool as_given = asked == service::AspectRatio::auto_;
    const service::PictureSize size =
        service::video_size(first ? service::nearest_video_aspect_ratio(first->width, first->height)
                            : as_given ? service::AspectRatio::r16_9
                                       : asked,
                            wanted_.resolution);
    request_.width = size.width;
    request_.height = size.height;
    request_.frames = wanted_.seconds * speed();
    if (first && !as_given)
      making_.active.reading.warnings.push_back(
          "aspect_ratio: a video that begins with a picture has the picture's shape");
    recording_ =
        TRY(video::Recording::begin(size.width, size.height, speed(), making_.video_codec));
    TRY(animate(request_, {}));
    return keep(wanted_.seconds);
  }

  Result<> extend() {
    {
      const video::Frames before = TRY(read_video(making_, wanted_));
      request_.first_frame = before.picture(before.count - 1);
      request_.width = before.width;
      request_.height = before.height;
      recording_ = TRY(video::Recording::begin(before.width, before.height, speed(),
                                               making_.video_codec, &before));
    }
    request_.frames = wanted_.seconds * speed() + 1;  // the first is there already
    TRY(animate(request_, {}));
    return keep(wanted_.seconds);
  }

  /// A frame of each second is drawn anew, and goes on as a clip until the next.
  Result<> edit() {
    const video::Frames given = TRY(read_video(making_, wanted_));
    const service::PictureSize size = edited_size(given);
    request_.width = size.width;
    request_.height = size.height;
    recording_ =
        TRY(video::Recording::begin(size.width, size.height, speed(), making_.video_codec));
    const int frames = std::max(1, static_cast<int>(std::lround(given.seconds * speed())));
    const int parts = (frames + speed() - 1) / speed();
    for (int part = 0; part < parts; ++part) {
      const int first = part * speed();
      const int at = given.at(static_cast<double>(first) / speed());
      const Share share{.done = part, .all = parts};
      engine::ClipRequest request = request_;
      request.first_frame = TRY(restyled(given.picture(at), share));
      request.frames = std::min(speed(), frames - first);
      request.seed = seed_ + static_cast<std::uint64_t>(part);
      TRY(animate(request, share));
    }
    return keep(static_cast<int>(std::ceil(given.seconds)));
  }

  static service::PictureSize edited_size(const video::Frames& given) {
    const double longer = std::max(given.width, given.height);
    const double shorter = std::min(given.width, given.height);
    const double scale = std::min({1.0, kLongEditedSide / longer, kShortEditedSide / shorter});
    const auto even = [scale](int side) {
      return std::max(kSideMin, 2 * static_cast<int>(std::lround(side * scale / 2)));
    };
    return {even(given.width), even(given.height)};
  }

  /// A part of the work, of several that take about as long.
  struct Share {
    int done = 0;  // before it
    int all = 1;
  };

  // Of the same seed all of them, so that what is drawn stays the same.
  Result<image::Picture> restyled(image::Picture frame, Share share) {
    engine::GenerateRequest request{.prompt = request_.prompt,
                                    .negative_prompt = {},
                                    .width = request_.width,
                                    .height = request_.height,
                                    .steps = request_.steps,
                                    .guidance = request_.guidance,
                                    .seed = seed_,
                                    .references = {},
                                    .mask = {}};
    request.references.push_back(std::move(frame));
    return making_.draw(request, [&](engine::Progress progress) {
      tell({.step = progress.step, .steps = 2 * progress.steps}, share);
    });
  }

  Result<> animate(const engine::ClipRequest& request, Share share) {
    const bool is_second_half = wanted_.task == VideoTask::edit;
    return making_.animate(request,
                           {.on_progress =
                                [&](engine::Progress progress) {
                                  if (is_second_half)
                                    progress = {progress.steps + progress.step, 2 * progress.steps};
                                  tell(progress, share);
                                },
                            .take = [&](image::Picture frame) { return add(std::move(frame)); }});
  }

  void tell(engine::Progress part, Share share) const {
    making_.tell({.step = share.done * part.steps + part.step, .steps = share.all * part.steps});
  }

  Result<> add(image::Picture frame) {
    TRY(recording_->add(frame));
    if (making_.judges && frames_++ % speed() == 0) judged_.push_back(std::move(frame));
    return {};
  }

  void read_prompt() {
    engine::RequestReading read = making_.read({.prompt = request_.prompt,
                                                .negative_prompt = {},
                                                .steps = request_.steps,
                                                .guidance = request_.guidance,
                                                .references = {},
                                                .mask = {}});
    making_.active.reading = {.prompt_tokens = read.prompt_tokens,
                              .tokens_read = read.tokens_read,
                              .warnings = std::move(read.warnings)};
  }

  Result<> keep(int seconds_sold) {
    std::string xmp;
    if (wanted_.frames.labelled)
      xmp = image::xmp_packet(
          {.model = making_.active.job().sold.model,
           .seed = seed_,
           .prompt_sha256 = to_hex(sha256(request_.prompt)),
           .of_given_pictures = !wanted_.image.empty() || !wanted_.video.empty()});
    std::vector<std::uint8_t> file = recording_->finish(xmp);
    if (file.size() > service::kClipBytesMax)
      return fail(ErrorCode::resource_exhausted,
                  fmt::format("the video has more than {} bytes, which is the most",
                              service::kClipBytesMax));
    making_.keep({.seed = seed_,
                  .file = std::move(file),
                  .width = recording_->shape().width,
                  .height = recording_->shape().height,
                  .duration_ms = recording_->duration_ms(),
                  .seconds_sold = seconds_sold,
                  .judged = std::move(judged_)});
    return {};
  }

  const Making& making_;
  const VideoRequest& wanted_;
  const std::uint64_t seed_;
  engine::ClipRequest request_;
  std::optional<video::Recording> recording_;
  std::vector<image::Picture> judged_;
  int frames_ = 0;
};

}  // namespace

Result<> make_videos(const Making& making) {
  return Clip(making, std::get<VideoRequest>(making.active.claimed.payload)).make();
}

}  // namespace imagined::worker

#include "service/videos/video_request.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "service/pictures/edit_request.h"

namespace imagined::service {
namespace {

constexpr std::array<std::string_view, 3> kTasks = {"generation", "extension", "edit"};

}  // namespace

std::string_view to_string(VideoTask task) { return kTasks.at(static_cast<std::size_t>(task)); }

Result<VideoTask> parse_video_task(std::string_view text) {
  for (std::size_t i = 0; i < kTasks.size(); ++i)
    if (kTasks[i] == text) return static_cast<VideoTask>(i);
  return fail(ErrorCode::data_loss, "a stored job is damaged", {},
              fmt::format("video task \"{}\"", text));
}

Error about_given(Error error, std::string_view field) {
  error = about_picture(std::move(error), field);
  error.field = field;
  return error;
}

Result<int> check_video_seconds(std::int64_t seconds, VideoTask task) {
  const int most = task == VideoTask::extension ? kExtensionSecondsMax
                   : task == VideoTask::edit    ? kEditedSecondsReserved
                                                : kVideoSecondsMax;
  if (seconds >= 1 && seconds <= most) return static_cast<int>(seconds);
  return fail(ErrorCode::invalid_argument,
              fmt::format("duration is {}, expected 1 to {} seconds", seconds, most), "duration");
}

Result<void> check_video(const VideoRequest& request) {
  TRY(check_video_seconds(request.seconds, request.task));
  if (request.task == VideoTask::generation || !request.video.empty()) return {};
  return fail(ErrorCode::invalid_argument, "video: expected a video, got none", "video");
}

}  // namespace imagined::service

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "service/files/file_service.h"
#include "service/pictures/picture_request.h"
#include "service/videos/video_size.h"

namespace imagined::service {

/// What becomes of what is given; spelled as in the database.
enum class VideoTask : std::uint8_t {
  generation,  // of words, and perhaps a first picture
  extension,   // a given video, and how it goes on
  edit,        // a given video, drawn anew
};

std::string_view to_string(VideoTask task);
/// Only for what `to_string` wrote; `data_loss` for anything else.
Result<VideoTask> parse_video_task(std::string_view text);

inline constexpr int kVideoSecondsDefault = 8;
inline constexpr int kExtensionSecondsMax = 10;
inline constexpr int kExtensionSecondsDefault = 6;
/// What an edit may be given, 8.7 s, and so many seconds are reserved for it.
inline constexpr double kEditedSecondsMax = 8.7;
inline constexpr int kEditedSecondsReserved = 9;

/// The file of a clip, which is far from it.
inline constexpr std::size_t kClipBytesMax = 64u << 20;

/// Moving pictures. What is given is not looked at before a worker decodes it.
struct VideoRequest {
  /// What is seen on every frame, and how it is made. One of it; `auto` is the shape of what is
  /// given, else 16:9. Its resolution, file format and previews say nothing here.
  PictureRequest frames;
  VideoTask task = VideoTask::generation;
  /// That are sold: how long, of an extension how much longer, of an edit the most that it may be.
  int seconds = kVideoSecondsDefault;
  VideoResolution resolution = VideoResolution::p480;  // of a generation; others keep what is given
  std::string image;  // of a generation: a blob, the first frame; empty: what the model makes
  std::string video;  // of the others: a blob
  std::optional<FileWish> storage = {};  // it becomes a file, too, when it is first looked at
  std::string upload_url = {};           // and is sent there; empty: nowhere

  bool operator==(const VideoRequest&) const = default;
};

/// The error of what was given under a name, "image" or "video": "the image is empty" becomes
/// "video is empty".
Error about_given(Error error, std::string_view field);

/// `invalid_argument`, field "duration": not a length that this task can have, naming the value.
Result<int> check_video_seconds(std::int64_t seconds, VideoTask task);
/// The same, and `invalid_argument`, field "video", without the video that the task is about.
Result<void> check_video(const VideoRequest& request);

}  // namespace imagined::service

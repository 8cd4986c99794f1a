// Aspect ratio, resolution and length of videos: words of the wire to pixels and seconds.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "base/result.h"
#include "service/pictures/geometry.h"

namespace imagined::service {

enum class VideoResolution : std::uint8_t { p480, p720 };

inline constexpr int kVideoSecondsMax = 15;

/// Those that a video can have, in the order in which error texts list them.
std::span<const AspectRatio> video_aspect_ratios();
std::span<const VideoResolution> video_resolutions();

/// "480p", "720p".
std::string_view to_string(VideoResolution resolution);

/// Exactly one of the ratios. Else `unprocessable`, field "aspect_ratio", listing them.
Result<AspectRatio> parse_video_aspect_ratio(std::string_view text);
/// Upper and lower case alike. Else `unprocessable`, field "resolution", listing the words.
Result<VideoResolution> parse_video_resolution(std::string_view text);

/// Size of every frame, from the table of `video-chat.md` 2.1: the short side is what the word
/// says, the long side a multiple of 8.
PictureSize video_size(AspectRatio ratio, VideoResolution resolution);

/// The ratio that a video which begins with such a picture has.
AspectRatio nearest_video_aspect_ratio(int width, int height);

}  // namespace imagined::service

// What commands are given to work on: prompts, pictures and videos.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "image/picture.h"
#include "video/frames.h"

namespace imagined::cli {

/// The prompt itself, or stdin's text where it is "-". `payload_too_large`, field "prompt".
Result<std::string> read_prompt(const std::string& prompt);

/// Decoded in locked-in children, as is a video; errors name the file.
Result<std::vector<image::Picture>> read_pictures(const std::vector<std::string>& files);

Result<video::Frames> read_video(const std::string& file);

}  // namespace imagined::cli

// What commands are given to work on: prompts and pictures.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "image/picture.h"

namespace imagined::cli {

/// The prompt itself, or stdin's text where it is "-". `payload_too_large`, field "prompt".
Result<std::string> read_prompt(const std::string& prompt);

/// Decoded in a locked-in child; errors name the file.
Result<std::vector<image::Picture>> read_pictures(const std::vector<std::string>& files);

}  // namespace imagined::cli

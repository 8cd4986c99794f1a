// The names of picture file formats.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace imagined::image {

/// Formats of picture files.
enum class Format : std::uint8_t { jpeg, png, webp };

/// "jpeg", "png", "webp": the spelling of the wire and of the database.
std::string_view to_string(Format format);
/// The reverse: `unprocessable` for any other word.
Result<Format> parse_output_format(std::string_view text);
/// "image/jpeg", "image/png", "image/webp".
std::string_view mime_type(Format format);
/// File name extension without the dot: "jpg", "png", "webp".
std::string_view extension(Format format);

}  // namespace imagined::image

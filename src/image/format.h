// The names of picture file formats.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace imagined::image {

/// Formats of picture files. GIF is only read.
enum class Format : std::uint8_t { jpeg, png, webp, gif };

/// "jpeg", "png", "webp", "gif": the spelling of the wire and of the database.
std::string_view to_string(Format format);
/// The reverse, of those that are written: `unprocessable` for any other word.
Result<Format> parse_output_format(std::string_view text);
/// "image/jpeg", "image/png", "image/webp".
std::string_view mime_type(Format format);
/// File name extension without the dot: "jpg", "png", "webp".
std::string_view extension(Format format);

}  // namespace imagined::image

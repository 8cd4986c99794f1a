// What a stored file is: a picture in one of its formats, or a clip.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "image/format.h"

namespace imagined::service {

enum class FileFormat : std::uint8_t { jpeg, png, webp, mp4 };

/// That of a picture's file; not of GIF, which is never made.
FileFormat file_format(image::Format format);

/// "jpeg", "png", "webp", "mp4": the spelling of the wire and of the database.
std::string_view to_string(FileFormat format);
/// Only for what `to_string` wrote; `data_loss` for anything else.
Result<FileFormat> parse_file_format(std::string_view text);
/// "image/jpeg", ..., "video/mp4".
std::string_view mime_type(FileFormat format);
/// File name extension without the dot: "jpg", ..., "mp4".
std::string_view extension(FileFormat format);

}  // namespace imagined::service

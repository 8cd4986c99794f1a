#include "service/pictures/file_format.h"

#include <fmt/format.h>

#include <array>

#include "base/check.h"

namespace imagined::service {
namespace {

constexpr std::array kOfPictures = {image::Format::jpeg, image::Format::png, image::Format::webp};

}  // namespace

FileFormat file_format(image::Format format) {
  for (std::size_t i = 0; i < kOfPictures.size(); ++i)
    if (kOfPictures[i] == format) return static_cast<FileFormat>(i);
  CHECK(false, "a stored file is never {}", to_string(format));
}

std::string_view to_string(FileFormat format) {
  if (format == FileFormat::mp4) return "mp4";
  return to_string(kOfPictures.at(static_cast<std::size_t>(format)));
}

Result<FileFormat> parse_file_format(std::string_view text) {
  for (const auto format : {FileFormat::jpeg, FileFormat::png, FileFormat::webp, FileFormat::mp4})
    if (to_string(format) == text) return format;
  return fail(ErrorCode::data_loss, "a stored picture is damaged", {},
              fmt::format("file format \"{}\"", text));
}

std::string_view mime_type(FileFormat format) {
  if (format == FileFormat::mp4) return "video/mp4";
  return mime_type(kOfPictures.at(static_cast<std::size_t>(format)));
}

std::string_view extension(FileFormat format) {
  if (format == FileFormat::mp4) return "mp4";
  return extension(kOfPictures.at(static_cast<std::size_t>(format)));
}

}  // namespace imagined::service

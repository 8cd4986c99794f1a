#include "cli/picture_file.h"

#include <fmt/core.h>

namespace imagined::cli {
namespace {

Result<image::Format> format_of_name(const std::filesystem::path& output) {
  const std::string extension = output.extension().string();
  if (extension == ".png") return image::Format::png;
  if (extension == ".jpg" || extension == ".jpeg") return image::Format::jpeg;
  if (extension == ".webp") return image::Format::webp;
  return fail(ErrorCode::invalid_argument,
              fmt::format("{}: the name must end in .png, .jpg, .jpeg or .webp, or --format say "
                          "what to write",
                          output.string()),
              "output");
}

}  // namespace

Result<PictureFile> choose_picture_file(const std::string& output, const std::string& format,
                                        int count) {
  PictureFile file;
  if (output != "-") file.path = output;
  if (file.is_stdout() && count > 1) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("output: stdout takes one picture, not {}; name a file", count),
                "output");
  }
  if (!format.empty()) {
    file.format = TRY(image::parse_output_format(format));
  } else if (!file.is_stdout()) {
    file.format = TRY(format_of_name(file.path));
  }
  return file;
}

std::filesystem::path numbered(const std::filesystem::path& output, int index, int count) {
  if (count == 1) return output;
  std::filesystem::path path = output;
  path.replace_filename(
      fmt::format("{}-{}{}", output.stem().string(), index + 1, output.extension().string()));
  return path;
}

}  // namespace imagined::cli

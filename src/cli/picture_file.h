// Where `imagined generate` puts its pictures.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "image/format.h"

namespace imagined::cli {

struct PictureFile {
  std::filesystem::path path;  // empty: stdout
  image::Format format = image::Format::png;

  bool is_stdout() const { return path.empty(); }
};

/// `output` is a name, or "-" for stdout; `format` is png, jpeg, webp, or empty for what the name's
/// end says. `invalid_argument` for an end that says nothing, and for several pictures on stdout.
Result<PictureFile> choose_picture_file(const std::string& output, const std::string& format,
                                        int count);

/// out.png for one picture; out-1.png, out-2.png, ... for several.
std::filesystem::path numbered(const std::filesystem::path& output, int index, int count);

}  // namespace imagined::cli

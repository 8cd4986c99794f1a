#include "image/format.h"

#include <fmt/core.h>

#include <array>

#include "base/check.h"

namespace imagined::image {
namespace {

struct FormatRow {
  std::string_view word;
  std::string_view mime_type;
  std::string_view extension;
};

constexpr std::array kFormats = {
    FormatRow{"jpeg", "image/jpeg", "jpg"},
    FormatRow{"png", "image/png", "png"},
    FormatRow{"webp", "image/webp", "webp"},
    FormatRow{"gif", "image/gif", "gif"},
};

const FormatRow& row(Format format) {
  const auto index = static_cast<std::size_t>(format);
  CHECK(index < kFormats.size(), "no picture format {}", index);
  return kFormats[index];
}

}  // namespace

std::string_view to_string(Format format) { return row(format).word; }
std::string_view mime_type(Format format) { return row(format).mime_type; }
std::string_view extension(Format format) { return row(format).extension; }

Result<Format> parse_output_format(std::string_view text) {
  for (const Format format : {Format::jpeg, Format::png, Format::webp})
    if (to_string(format) == text) return format;
  return fail(ErrorCode::unprocessable,
              fmt::format("unknown output_format \"{}\", expected one of jpeg, png, webp",
                          text.substr(0, 40)),
              "output_format");
}

}  // namespace imagined::image

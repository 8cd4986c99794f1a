#include "cli/given.h"

#include <fmt/core.h>

#include <cstdint>
#include <cstdio>
#include <span>
#include <utility>

#include "base/file.h"
#include "cli/decode.h"
#include "service/pictures/edit_request.h"

namespace imagined::cli {
namespace {

constexpr std::size_t kPromptBytesMax = 1 << 20;

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

tl::unexpected<Error> about_file(const std::string& file, Error error) {
  error.message = fmt::format("{}: {}", file, error.message);
  return tl::unexpected(std::move(error));
}

}  // namespace

Result<std::string> read_prompt(const std::string& prompt) {
  if (prompt != "-") return prompt;
  std::string text;
  char buffer[4096];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, stdin)) {
    text.append(buffer, count);
    if (text.size() > kPromptBytesMax) {
      return fail(ErrorCode::payload_too_large,
                  fmt::format("prompt: stdin has more than {} bytes", kPromptBytesMax), "prompt");
    }
  }
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

Result<std::vector<image::Picture>> read_pictures(const std::vector<std::string>& files) {
  std::vector<image::Picture> pictures;
  decoder::Decoder decoder(own_decoder());
  for (const std::string& file : files) {
    constexpr image::DecodeLimits kLimits{.bytes_max = service::kUploadBytesMax};
    const std::string bytes = TRY(read_file(file, file, kLimits.bytes_max));
    auto decoded = decoder.decode(bytes_of(bytes), kLimits);
    if (!decoded) return about_file(file, std::move(decoded.error()));
    pictures.push_back(std::move(*decoded));
  }
  return pictures;
}

Result<video::Frames> read_video(const std::string& file) {
  const std::string bytes = TRY(read_file(file, file, service::kUploadBytesMax));
  auto frames = decoder::Decoder(own_decoder()).decode_video(bytes_of(bytes));
  if (!frames) return about_file(file, std::move(frames.error()));
  return frames;
}

}  // namespace imagined::cli

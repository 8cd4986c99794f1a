// Any bytes as a picture: refused, or pixels of the size that the header said.
#include "base/check.h"
#include "image/decode.h"

using namespace imagined::image;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const std::span file(data, size_bytes);
  // Small limits, so that a run is about parsing and not about filling memory.
  const auto picture = decode(file, {.side_px_max = 2048, .area_px_max = 1'000'000});
  if (!picture) {
    CHECK(picture.error().field == "image", "an error names its field");
    return 0;
  }
  const auto header = read_header(file);
  CHECK(header && header->width == picture->width && header->height == picture->height,
        "decoded without a header");
  CHECK(picture->pixels.size() == static_cast<std::size_t>(picture->width) *
                                      static_cast<std::size_t>(picture->height) *
                                      static_cast<std::size_t>(picture->channels),
        "{} bytes for {} x {} x {}", picture->pixels.size(), picture->width, picture->height,
        picture->channels);
  return 0;
}

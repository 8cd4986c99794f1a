// Any bytes as a picture: refused, or pixels of the size that the header and the limits come to.
#include <utility>

#include "base/check.h"
#include "image/decode.h"

using namespace imagined::image;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const std::span file(data, size_bytes);
  // Small limits, so that a run is about parsing and not about filling memory.
  constexpr DecodeLimits kLimits{.side_px_max = 512,
                                 .area_px_max = 250'000,
                                 .stored_side_px_max = 2048,
                                 .stored_area_px_max = 1'000'000};
  const auto picture = decode(file, kLimits);
  if (!picture) {
    CHECK(picture.error().field == "image", "an error names its field");
    return 0;
  }
  const auto header = read_header(file);
  CHECK(header, "decoded without a header");
  Shrink size = shrink_for(*header, kLimits);
  if (swaps_sides(header->orientation)) std::swap(size.width, size.height);
  CHECK(size.width == picture->width && size.height == picture->height, "{} x {}, not {} x {}",
        picture->width, picture->height, size.width, size.height);
  CHECK(picture->pixels.size() == static_cast<std::size_t>(picture->width) *
                                      static_cast<std::size_t>(picture->height) *
                                      static_cast<std::size_t>(picture->channels),
        "{} bytes for {} x {} x {}", picture->pixels.size(), picture->width, picture->height,
        picture->channels);
  return 0;
}

// What the marker segments of a JPEG say, read by our own code before a library sees the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace imagined::image {

struct JpegMarkers {
  struct Size {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
  };
  std::optional<Size> size;  // of the frame; none when the file has none before its pixels
  int channels = 0;          // of the frame: 1, 3, or 4 inks
  bool progressive = false;  //
  bool adobe = false;        // has Adobe's segment: CMYK is stored inverted
  std::span<const std::uint8_t> exif;  // the segment's content with "Exif\0\0"; empty: none
};

/// Walks the segments up to the first scan. ITU-T T.81, B.1 and B.2.
JpegMarkers read_jpeg_markers(std::span<const std::uint8_t> file);

/// The ICC profile that lies before the first scan, its pieces joined in their order; empty when
/// there is none, a piece is missing or there twice, or it has more than `bytes_max`. ICC.1:2022,
/// B.4.
std::vector<std::uint8_t> read_jpeg_profile(std::span<const std::uint8_t> file,
                                            std::size_t bytes_max);

/// How many scans the picture has; stops counting above `most`.
int count_jpeg_scans(std::span<const std::uint8_t> file, int most);

}  // namespace imagined::image

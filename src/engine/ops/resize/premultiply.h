// Colour times alpha and back, in 8 bits, as Pillow rounds it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace imagined::engine {

/// (r, g, b, a) to (r a / 255, g a / 255, b a / 255, a), rounded to nearest.
inline void premultiply(const std::uint8_t* from, std::size_t pixels, std::uint8_t* to) {
  for (std::size_t i = 0; i < 4 * pixels; i += 4) {
    const std::uint32_t alpha = from[i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      const std::uint32_t product = from[i + c] * alpha + 128;
      to[i + c] = static_cast<std::uint8_t>((product + (product >> 8)) >> 8);
    }
    to[i + 3] = from[i + 3];
  }
}

/// The inverse in place, truncated and limited to 255; colours of transparent pixels stay.
inline void unpremultiply(std::uint8_t* pixels, std::size_t count) {
  for (std::size_t i = 0; i < 4 * count; i += 4) {
    const std::uint32_t alpha = pixels[i + 3];
    if (alpha == 0 || alpha == 255) continue;
    for (std::size_t c = 0; c < 3; ++c) {
      const std::uint32_t value = 255u * pixels[i + c] / alpha;
      pixels[i + c] = static_cast<std::uint8_t>(value > 255 ? 255 : value);
    }
  }
}

}  // namespace imagined::engine

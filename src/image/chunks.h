// The chunks that PNG and WebP files are made of, read by our own code. Only this folder includes
// it.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace imagined::image {

/// The content of a PNG's first chunk of this type (of four letters); empty when there is none.
/// Never reads outside, whatever the bytes. PNG specification (third edition), 5.3.
std::span<const std::uint8_t> find_png_chunk(std::span<const std::uint8_t> file,
                                             std::string_view type);

/// The same of an extended WebP. RFC 9649, 2.3 and 2.7.
std::span<const std::uint8_t> find_webp_chunk(std::span<const std::uint8_t> file,
                                              std::string_view type);

}  // namespace imagined::image

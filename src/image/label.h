// What a file says about how its picture was made: an XMP packet where each format keeps one, which
// PIL, exiftool and browsers' inspectors read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "image/format.h"

namespace imagined::image {

struct Label {
  std::string model;
  std::uint64_t seed = 0;
  std::string prompt_sha256;       // hex; the prompt itself is nobody's business
  bool of_given_pictures = false;  // made out of others, not out of words alone
};

/// The packet: attributes `imagined:Model`, `imagined:Seed` and `imagined:PromptSHA256`, and IPTC's
/// word for pictures that were made by a trained model (Iptc4xmpExt:DigitalSourceType).
std::string xmp_packet(const Label& label);

/// A file of the encoders with the packet in it: PNG's iTXt `XML:com.adobe.xmp` behind IHDR, JPEG's
/// APP1 behind APP0, WebP's chunk `XMP ` at the end. XMP specification part 3, 1.1.3 to 1.1.5; RFC
/// 9649, 2.7. The pixels are not touched.
std::vector<std::uint8_t> with_label(std::vector<std::uint8_t> file, Format format,
                                     const Label& label);

}  // namespace imagined::image

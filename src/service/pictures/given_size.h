// How large given pictures are, by the heads of their files.
#pragma once

#include <cstdint>
#include <span>

#include "base/result.h"
#include "image/decode.h"
#include "service/catalogue/catalogue.h"
#include "service/pictures/edit_request.h"

namespace imagined::service {

/// Of a picture that a request has brought: what may be uploaded may be decoded. The pixels have
/// limits of their own.
inline constexpr image::DecodeLimits kGivenPictureLimits{.bytes_max = kUploadBytesMax};

/// Whether a model can look at a picture of this size, as it will be decoded. `invalid_argument`
/// about "the image" (about_picture), with its size and what is allowed. What has no head that can
/// be read passes: whoever decodes it says what is wrong.
Result<void> check_given_size(std::span<const std::uint8_t> file, const Model& model,
                              const Abilities& abilities);

}  // namespace imagined::service

// What is done with a reference picture before the autoencoder sees it (flux.md 6.1, 6.4).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine/families/model_plan.h"
#include "engine/ops/resize/resize.h"

namespace imagined::engine {

/// Where a reference goes: first resized, then cut.
struct ReferenceFit {
  int resized_width = 0;  // the picture's own size where its area is within the cap
  int resized_height = 0;
  int left = 0;  // of the cut, in the resized picture
  int top = 0;
  int width = 0;  // of the cut: multiples of `multiple`
  int height = 0;
};

/// Caps the area (never enlarging), keeping the ratio: both sides times sqrt(area_cap / area),
/// rounded down; then cuts the middle to multiples of `multiple` pixels, the smaller half of an odd
/// rest at the left and the top.
/// `invalid_argument` when nothing is left or a size is not positive. Pure arithmetic in double.
/// Source: diffusers, `Flux2ImageProcessor`; its cap is 1024 * 1024.
Result<ReferenceFit> fit_reference(int width, int height, std::int64_t area_cap, int multiple);

/// The whole picture at the one of `sizes` whose ratio of width to height is nearest to that of the
/// picture, whose sides count in whole multiples of `multiple`; of two as near the narrower one.
/// Nothing is cut. Source: diffusers, `FluxKontextPipeline`.
ReferenceFit fit_to_sizes(int width, int height, std::span<const ReferenceSize> sizes,
                          int multiple);

/// The limits of engine.h on a picture as it was sent; `invalid_argument` names the size.
Result<> check_reference_size(int width, int height);

/// fit_reference() done to the pixels: resized in the picture's own mode, cut, and only then turned
/// into RGB by leaving alpha out (not blended), [fit.height, fit.width, 3].
std::vector<std::uint8_t> apply_fit(const Context& context, image::PictureView picture,
                                    const ReferenceFit& fit);

}  // namespace imagined::engine

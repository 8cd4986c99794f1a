// Edges of pictures made steeper, for drawings: smooth areas stay, and no new brightness appears.
#pragma once

#include "engine/backend/context.h"
#include "image/picture.h"

namespace imagined::engine {

/// Lengths in pixels.
struct EdgeSharpening {
  double sigma = 1.5;  // of the blur through which edges are looked for
  double reach = 1;    // how far a pixel beside an edge looks away from it
  double weak = 6;     // levels a pixel: where brightness changes less, pixels look less far
  int passes = 1;
};

/// A shock filter (Osher and Rudin 1990, u_t = -sign(u_nn) |grad u|) by semi-Lagrangian steps: in
/// each pass a pixel takes what lies away from the nearest edge. With g the brightness
/// (0.299, 0.587, 0.114) of the bytes under a Gaussian, n the direction of its gradient, and g_n
/// and g_nn its derivatives along it, that is at
///
///     n * reach * clamp(-2 sigma^2 g_nn / g_n, -1, 1) * g_n^2 / (g_n^2 + weak^2)
///
/// from the pixel (of an edge under a blur t, g_nn / g_n is the distance over -t^2), bilinearly
/// between pixels, rounded to 8 bits. Derivatives are central differences; the picture goes on
/// behind its border as at it.
/// in  RGB, at least 2 x 2 pixels.
image::Picture sharpen_edges(const Context& context, image::PictureView in,
                             const EdgeSharpening& how);

/// The slow twin, in double.
image::Picture sharpen_edges_reference(image::PictureView in, const EdgeSharpening& how);

}  // namespace imagined::engine

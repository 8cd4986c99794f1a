"""What the engine does to the pictures that this model has decoded (src/engine/ops/sharpen_edges), so
that figures and sheets are of what people get: a shock filter by semi-Lagrangian steps, in each of
which a pixel takes what lies away from the nearest edge.
"""

import math

import torch
import torch.nn.functional as F

EDGE_PASSES = 2
_SIGMA, _REACH = 1.5, 1.0  # pixels
_WEAK = 6.0  # levels a pixel
_BRIGHTNESS = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)


def _blurred(plane, sigma):
    """N x 1 x H x W under a Gaussian."""
    radius = math.ceil(2.5 * sigma)
    weights = torch.exp(-torch.arange(-radius, radius + 1.0).square() / (2 * sigma * sigma))
    weights /= weights.sum()
    around = F.pad(plane, (radius, radius, radius, radius), "replicate")
    return F.conv2d(F.conv2d(around, weights.view(1, 1, 1, -1)), weights.view(1, 1, -1, 1))


def _away_from_edges(g, sigma, reach, weak):
    """Brightness N x 1 x H x W -> how far to look, across and down, N x H x W each, in pixels."""
    around = F.pad(g, (1, 1, 1, 1), "replicate")[:, 0]
    left, middle, right = slice(None, -2), slice(1, -1), slice(2, None)  # and above, below
    at = lambda row, column: around[:, row, column]
    gx = (at(middle, right) - at(middle, left)) / 2
    gy = (at(right, middle) - at(left, middle)) / 2
    gxx = at(middle, right) - 2 * at(middle, middle) + at(middle, left)
    gyy = at(right, middle) - 2 * at(middle, middle) + at(left, middle)
    gxy = (at(right, right) + at(left, left) - at(left, right) - at(right, left)) / 4
    square = gx * gx + gy * gy + 1e-9
    bend = gx * gx * gxx + 2 * gx * gy * gxy + gy * gy * gyy
    side = (-2 * sigma * sigma * bend / (square * square.sqrt())).clamp(-1, 1)
    length = side * reach * square.sqrt() / (square + weak * weak)
    return length * gx, length * gy


def sharpened(levels, sigma=_SIGMA, reach=_REACH, weak=_WEAK):
    """One pass over whole levels N x 3 x H x W of 0..255."""
    height, width = levels.shape[2:]
    dx, dy = _away_from_edges(
        _blurred((levels * _BRIGHTNESS).sum(1, keepdim=True), sigma), sigma, reach, weak
    )
    x = (torch.arange(width) + dx).clamp(0, width - 1) / (width - 1) * 2 - 1
    y = (torch.arange(height)[:, None] + dy).clamp(0, height - 1) / (height - 1) * 2 - 1
    return F.grid_sample(
        levels, torch.stack((x, y), -1), padding_mode="border", align_corners=True
    ).round()


def finished(pixels, passes=EDGE_PASSES):
    """Decoded pixels N x 3 x H x W in -1..1 -> as the engine gives them away where it need not
    enlarge them: as many, in whole levels."""
    levels = ((pixels.float().clamp(-1, 1) + 1) * 127.5).round()
    for _ in range(passes):
        levels = sharpened(levels)
    return levels / 127.5 - 1

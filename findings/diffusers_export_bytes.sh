#!/usr/bin/env bash
# diffusers' export_to_video makes a negative of frames that are arrays of bytes.
#
# Seen with diffusers 0.42.1, numpy 2.4.6 and imageio-ffmpeg 0.8.1. Frames are declared as arrays or as Pillow's pictures, and no range
# is named. An array is multiplied by 255, whatever it holds: right for a pipeline's own frames of 0 to 1. In an array of uint8 each
# product wraps around and v becomes 256 - v, which the eye knows as a negative. Nothing raises or warns. The same frames as pictures
# of Pillow, or divided by 255 before, have their colours.
#
# Why it matters: what reads a clip (PyAV, OpenCV, imageio) gives bytes, and so do many upscalers, so a clip that is read, worked on
# and written again has its colours turned around. A test with black and white frames alone sees little: 0 stays 0, and 255 becomes 1.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages diffusers==0.42.1 numpy==2.4.6 pillow==13.0.0 imageio==2.38.1 imageio-ffmpeg==0.8.1 <<'PY'
import warnings

import imageio.v3
import numpy as np
from diffusers.utils import export_to_video
from PIL import Image

COLOUR = (200, 60, 30)
pixels = np.full((64, 64, 3), COLOUR, np.uint8)


def shown(kind, frame):
    """The colour in the middle of a clip of eight such frames."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        path = export_to_video([frame] * 8, "clip.mp4", fps=8, quality=10)
    clip = imageio.v3.imread(path, plugin="FFMPEG")
    colour = tuple(map(int, clip[4, 32, 32]))
    print(f"{kind}: {COLOUR} came back as {colour} in {len(clip)} frames")
    return colour


def near(colour, wanted):
    return max(abs(a - b) for a, b in zip(colour, wanted)) <= 6


assert near(shown("pictures of Pillow", Image.fromarray(pixels)), COLOUR)
assert near(shown("arrays of 0 to 1", pixels / np.float32(255)), COLOUR)
assert near(shown("arrays of bytes", pixels), [256 - value for value in COLOUR])
PY

#!/usr/bin/env bash
# pyvips saves an array of red, green, blue and alpha as a GIF of other colours: each channel holds its neighbour's values.
#
# Seen with pyvips 3.2.0 and libvips 8.18.7. Image.new_from_array takes an array of four channels of bytes without being told what they are, and
# PNG, WebP, AVIF and TIFF of it are right. The GIF is not: (200, 100, 50) becomes (100, 50, 255), blue becomes cyan, and where alpha
# is 0 the picture is opaque in part. The image is "multiband" then, and with interpretation="srgb" all is right, in JPEG too, where
# what was transparent is otherwise shown as it lies under the alpha. No warning is given, and three channels need no such word.
#
# Why it matters: frames that come from a model or from NumPy, saved as whatever the caller asks for, are right in every format that was tried
# but one.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages pyvips==3.2.0 pyvips-binary==8.18.7 numpy==2.4.6 pillow==13.0.0 <<'PY'
import io

import numpy as np
import pyvips
from PIL import Image

# Orange above, blue below; the left half opaque, the right half transparent.
array = np.zeros((32, 32, 4), np.uint8)
array[:16] = (200, 100, 50, 255)
array[16:] = (0, 0, 255, 255)
array[:, 16:, 3] = 0


def saved(ending, **options):
    """The picture's four quarters as another reader sees them: orange, blue, and the two that are transparent."""
    image = pyvips.Image.new_from_array(array, **options)
    file = Image.open(io.BytesIO(image.write_to_buffer(ending))).convert("RGBA")
    seen = [file.getpixel(at) for at in ((4, 4), (4, 28), (28, 4), (28, 28))]
    print(ending, image.interpretation, seen)
    return seen


def right(seen):
    return all(max(abs(one - other) for one, other in zip(pixel, wanted)) < 4
               for pixel, wanted in zip(seen, ((200, 100, 50, 255), (0, 0, 255, 255)))) and not any(
                   pixel[3] for pixel in seen[2:])


print("libvips", ".".join(str(pyvips.version(part)) for part in range(3)))
for ending in (".png", ".webp", ".avif", ".tif"):
    assert right(saved(ending))
shifted = saved(".gif")
assert shifted[0] == (100, 50, 255, 255) and shifted[1] == (0, 255, 255, 255) and shifted[2][3] == 255
assert right(saved(".gif", interpretation="srgb"))
assert saved(".jpg")[2][0] > 190
assert max(saved(".jpg", interpretation="srgb")[2][:3]) < 4
PY

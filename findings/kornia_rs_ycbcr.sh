#!/usr/bin/env bash
# What kornia_rs calls YCbCr is Y, Cr, Cb: in whatever else is handed it, blue and red change places.
#
# Seen with kornia_rs 0.2.0 and Pillow 13.0.0. `ycbcr_from_rgb`, whose text is "RGB -> YCbCr (full range)", gives (200, 100, 50) as (124, 182, 86), of bytes
# and of numbers from 0 to 1 alike; JPEG, Pillow and kornia's own `rgb_to_ycbcr` say (124, 86, 182). `rgb_from_ycbcr` has the same order, so
# that there and back is right. `nv12_from_rgb` and `yuyv_from_rgb` of the same package have the blue difference first, as their names say.
#
# Why it matters: planes that are computed with one library and encoded or shown with another turn orange into blue. Skin shows it, grey and
# green hardly do. Swap the last two channels, and test with a red picture.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages kornia_rs==0.2.0 numpy==2.4.6 pillow==13.0.0 <<'PY'
import numpy as np
from kornia_rs import imgproc
from PIL import Image

COLOUR = (200, 100, 50)
picture = np.full((4, 4, 3), COLOUR, np.uint8)
pillow = Image.fromarray(picture).convert("YCbCr").getpixel((0, 0))
planes = np.asarray(imgproc.ycbcr_from_rgb(picture))
numbers = np.asarray(imgproc.ycbcr_from_rgb(picture.astype(np.float32) / 255))
print("text:", imgproc.ycbcr_from_rgb.__doc__)
print("Pillow:", pillow, "kornia_rs:", planes[0, 0], "of numbers:", numbers[0, 0] * 255)
luma, blue, red = pillow
for pixel in (planes[0, 0].astype(int), numbers[0, 0] * 255):
    assert np.abs(pixel - (luma, red, blue)).max() < 1.5
back = np.asarray(imgproc.rgb_from_ycbcr(planes))[0, 0]
shown = Image.fromarray(planes).tobytes()
shown = Image.frombytes("YCbCr", (4, 4), shown).convert("RGB").getpixel((0, 0))
print("there and back:", back, "as Pillow shows it:", shown)
assert np.abs(back.astype(int) - COLOUR).max() <= 2
assert shown[2] - shown[0] > 100  # blue, not orange

nv12 = np.asarray(imgproc.nv12_from_rgb(picture))[16:18]
yuyv = np.asarray(imgproc.yuyv_from_rgb(picture)).ravel()[[1, 3]]
print("NV12:", nv12, "YUYV:", yuyv)
for first, second in (nv12, yuyv):
    assert first < 128 < second
PY

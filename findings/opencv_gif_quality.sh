#!/usr/bin/env bash
# OpenCV's GIFs are best at the worst quality: 8, a table of 256 colours, has 46 of them in a gradient, 3 and 4 have eight.
#
# Seen with opencv-python-headless 5.0.0.93. IMWRITE_GIF_QUALITY goes from 1 to 8; 3 to 8 have names, IMWRITE_GIF_COLORTABLE_SIZE_8 to _256. The
# table is the same for every picture, so many levels of red, green and blue, and 8 has fewer of them than 2, the default. A gradient of
# 128 x 128 pixels is off by 15 levels in the mean at 1, 17 at 2, 91 at 3 and 4, 28 at 5 to 8; Pillow's GIF of it by 4. Three flat colours become 17 at the
# default, by dithering: no quality keeps them, and white is (252, 252, 255). IMWRITE_GIF_DITHER at 3, whose name is about something else, takes
# the colours from the picture: three stay three, exactly, and the gradient is as good as Pillow's.
#
# Why it matters: previews and clips as GIF are dull and speckled, and asking for more quality makes them worse.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages opencv-python-headless==5.0.0.93 numpy==2.4.6 pillow==13.0.0 <<'PY'
import io

import cv2
import numpy as np
from PIL import Image

rows, columns = np.mgrid[:128, :128]
gradient = np.dstack([columns * 2, rows * 2, rows + columns]).astype(np.uint8)
flat = np.full((64, 64, 3), 255, np.uint8)
flat[:32] = (50, 100, 200)
flat[:, :10] = (128, 128, 128)


def seen(file, of):
    """How many colours a GIF has, and how far it is from the picture in the mean."""
    pixels = np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))[..., ::-1]
    return len(np.unique(pixels.reshape(-1, 3), axis=0)), round(float(abs(pixels.astype(int) - of).mean()), 1)


def by_opencv(picture, *parameters):
    done, file = cv2.imencode(".gif", picture, parameters)
    assert done
    return seen(file.tobytes(), picture)


def by_pillow(picture):
    file = io.BytesIO()
    Image.fromarray(picture[..., ::-1]).save(file, "GIF")
    return seen(file.getvalue(), picture)


assert cv2.IMWRITE_GIF_COLORTABLE_SIZE_8 == 3 and cv2.IMWRITE_GIF_COLORTABLE_SIZE_256 == 8
for name, picture in (("gradient", gradient), ("three colours", flat)):
    qualities = {quality: by_opencv(picture, cv2.IMWRITE_GIF_QUALITY, quality) for quality in range(1, 9)}
    own = by_opencv(picture, cv2.IMWRITE_GIF_DITHER, 3)
    print(f"{name}: (colours, mean error) by quality {qualities}, own table {own}, Pillow {by_pillow(picture)}")
    errors = {quality: error for quality, (_, error) in qualities.items()}
    assert by_opencv(picture) == qualities[2]  # the default
    assert errors[3] == errors[4] > 3 * errors[2] and errors[8] == errors[5] > 1.3 * errors[2]
    assert qualities[3][0] == qualities[4][0] == 8 and qualities[8][0] < 50
    assert own[1] < 5 and by_pillow(picture)[1] < 5 and min(errors.values()) > 12
    if picture is flat:
        assert qualities[2][0] == 17 and own == (3, 0.0) == by_pillow(flat)

white = np.full((32, 32, 3), 255, np.uint8)
file = cv2.imencode(".gif", white)[1].tobytes()
colours = Image.open(io.BytesIO(file)).convert("RGB").getcolors()
print("white:", colours)
assert colours == [(32 * 32, (252, 252, 255))]
PY

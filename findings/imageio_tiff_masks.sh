#!/usr/bin/env bash
# imageio saves two or five masks as so many pages of a TIFF, three as one colour picture, four as one with alpha, and grey with alpha in strips.
#
# Seen with imageio 2.38.1, tifffile 2026.3.3 and Pillow 13.0.0. `imwrite` takes an array of (masks, height, width) and makes an APNG, an animated WebP, GIF
# or AVIF of as many frames. A TIFF has as many pages, unless there are three or four masks: those become red, green, blue and alpha of one page.
# tifffile warns of arrays whose channels it has to guess; imageio guesses so that it does not (a note on its TIFF plugin tells the
# rule). An array (height, width, 2), which is grey with alpha in PNG, WebP and AVIF, becomes a page for each row, `width` high and 2 pixels wide.
# imageio's own `imread` gives the same array back in all cases, so that a round trip does not show it; others read another picture.
#
# Why it matters: whether a tool writes three masks or one coloured picture depends on their number, and the page that an edit reads
# as a mask is something else. Say `is_batch=True` for masks, after which `imread` gives the first of them alone; grey with alpha is kept by PNG.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages imageio==2.38.1 tifffile==2026.3.3 numpy==2.4.6 pillow==13.0.0 <<'PY'
import io
import warnings

import imageio.v3 as iio
import numpy as np
from PIL import Image

HEIGHT, WIDTH = 48, 64


def saved(array, ending, **more):
    """Pages or frames, mode and size as Pillow reads them, and what imageio itself reads."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # and none comes
        file = iio.imwrite("<bytes>", array, extension=ending, **more)
    image = Image.open(io.BytesIO(file))
    seen = getattr(image, "n_frames", 1), image.mode, image.size
    print(array.shape, ending, more, "->", seen)
    return seen, iio.imread(file, extension=ending), image


masks = np.stack([np.full((HEIGHT, WIDTH), 40 * one, np.uint8) for one in range(5)])
for count in (2, 3, 4, 5):
    some = masks[:count]
    for ending in (".png", ".webp", ".gif", ".avif"):
        (frames, _, size), _, _ = saved(some, ending)
        assert (frames, size) == (count, (WIDTH, HEIGHT))
    (pages, mode, size), back, image = saved(some, ".tiff")
    assert size == (WIDTH, HEIGHT) and np.array_equal(back, some)
    assert (pages, mode) == {3: (1, "RGB"), 4: (1, "RGBA")}.get(count, (count, "L"))
    if count in (3, 4):
        assert image.getpixel((0, 0)) == tuple(some[:, 0, 0])
    (pages, mode, size), back, _ = saved(some, ".tiff", is_batch=True)
    assert (pages, mode, size) == (count, "L", (WIDTH, HEIGHT)) and np.array_equal(back, some[0])

grey_alpha = np.dstack([masks[1], masks[2]])
for ending, mode in ((".png", "LA"), (".webp", "RGBA"), (".avif", "RGBA")):
    assert saved(grey_alpha, ending)[0] == (1, mode, (WIDTH, HEIGHT))
for more in ({}, {"is_batch": False}):
    seen, back, _ = saved(grey_alpha, ".tiff", **more)
    assert seen == (HEIGHT, "L", (2, WIDTH)) and np.array_equal(back, grey_alpha)
PY

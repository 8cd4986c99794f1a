#!/usr/bin/env bash
# Pillow 13 gives other pixels than Pillow 12 for the same `resize`, by up to 27 of 255 levels.
#
# `Image.resize` works in two passes and rounds to eight bits between them, so their order shows.
# Pillow 12.3 always went over the rows first. Pillow 13.0 goes over the columns first where that is
# less work: where the height shrinks and the width grows or stays nearly the same, and where a tall
# picture shrinks. Where both sides of a square shrink alike, nothing changed.
#
# Why it matters: reference pictures are shrunk before a network sees them. Who compares its own
# resampling with Pillow to the last bit, or checks in hashes of resized pictures, has to say which
# Pillow.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

program() {
  cat <<'PY'
import numpy
import PIL
from PIL import Image

LANCZOS = Image.Resampling.LANCZOS
rows_always_first = int(PIL.__version__.split(".")[0]) < 13


def passes(width, height, to_width, to_height):
    """Which order of passes `resize` takes, and how far the two orders are apart."""
    noise = numpy.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=numpy.uint8)
    picture = Image.fromarray(noise)

    def pixels(*sizes):
        resized = picture
        for size in sizes:
            resized = resized.resize(size, LANCZOS)
        return numpy.asarray(resized).astype(int)

    whole = pixels((to_width, to_height))
    rows = pixels((to_width, height), (to_width, to_height))
    columns = pixels((width, to_height), (to_width, to_height))
    assert (rows != columns).any()
    assert (whole == rows).all() or (whole == columns).all()
    first = "rows" if (whole == rows).all() else "columns"
    return first, int(abs(rows - columns).max())


for case, new_order in (((300, 300, 150, 150), "rows"), ((600, 40, 300, 20), "rows"),
                        ((40, 600, 20, 300), "columns"), ((300, 300, 600, 150), "columns"),
                        ((300, 300, 290, 151), "columns")):
    first, apart = passes(*case)
    print("%d x %d to %d x %d: %s first, the other order differs by up to %d" % (*case, first, apart))
    assert first == ("rows" if rows_always_first else new_order)
PY
}

program | with_packages pillow==12.3.0 numpy==2.3.5
program | with_packages pillow==13.0.0 numpy==2.3.5

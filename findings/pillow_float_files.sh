#!/usr/bin/env bash
# A picture of floating-point numbers, which PNG and JPEG refuse, is saved by Pillow as WebP, AVIF and GIF: one from 0 to 1 as black.
#
# Seen with Pillow 13.0.0. `Image.fromarray` takes an array of float32, as networks give masks and depth, and makes a picture of mode F of it. Saved as PNG,
# JPEG or BMP it is an OSError, "cannot write mode F". WebP, AVIF and GIF convert it first, and the conversion cuts each number down to 0 to
# 255 and to a whole one: 0 to 1 becomes 0 or, of 1 itself, 1 of 255. 16-bit grey, which PNG keeps, is white in the same three but for its darkest
# 255 of 65,536 levels, and JPEG refuses that too. No warning. TIFF keeps both.
#
# Why it matters: a program that saves masks as PNG and gets an error is mended in a minute; the same line with .webp writes a black mask, with
# which an edit changes nothing. Scale to 0 to 255 and to bytes before `fromarray`.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages pillow==13.0.0 numpy==2.4.6 <<'PY'
import io
import warnings

import numpy as np
from PIL import Image

warnings.simplefilter("error")
ramp = np.tile(np.linspace(0, 1, 256, dtype=np.float32), (16, 1))


def read(array, form, **options):
    """The picture's middle row as a reader sees it, as bytes, or None where it is refused."""
    file = io.BytesIO()
    try:
        Image.fromarray(array).save(file, form, **options)
    except OSError as error:
        print(f"{array.dtype} up to {array.max()} as {form}: {error}")
        assert "cannot write mode" in str(error)
        return None
    image = Image.open(io.BytesIO(file.getvalue()))
    row = np.asarray(image.convert("RGB") if image.mode not in ("F", "I;16") else image)[8]
    row = row[:, 0] if row.ndim == 2 else row
    print(f"{array.dtype} up to {array.max()} as {form}: {row[0]} ... {row[64]} ... {row[128]} ... {row[254]}, {row[255]}")
    return row


lossless = {"WEBP": {"lossless": True}, "AVIF": {"quality": 100}, "GIF": {}}
for form in ("PNG", "JPEG", "BMP"):
    assert read(ramp, form) is None
for form, options in lossless.items():
    assert max(read(ramp, form, **options)[:255]) <= 1
    whole = read(ramp * 255, form, **options)
    assert max(abs(whole.astype(int) - np.arange(256))) <= 2
assert np.array_equal(read(ramp, "TIFF"), ramp[8])

deep = (ramp * 65535).astype(np.uint16)
assert np.array_equal(read(deep, "PNG"), deep[8]) and np.array_equal(read(deep, "TIFF"), deep[8])
assert read(deep, "JPEG") is None
for form, options in lossless.items():
    row = read(deep, form, **options)
    assert row[0] == 0 and min(row[1:]) >= 254
PY

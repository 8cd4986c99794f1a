#!/usr/bin/env bash
# Pillow's plugin for JPEG XL saves a JPEG that was drawn on as the file that it came from, without the drawing.
#
# Seen with pillow-jxl-plugin 1.3.8 and Pillow 13.0.0. A JPEG opened from a path is taken over bit by bit when it is saved as JPEG XL, which is
# the format's own way to keep it whole. The plugin takes over the file on disk, not the picture in memory, and decides by `format` and
# `filename`, which Pillow keeps through all that changes a picture in place: ImageDraw, paste, putpixel, thumbnail,
# `exif_transpose(in_place=True)`. Each of them is undone, and `quality` ignored. A warning speaks of "lossless JXL image from JPEG";
# with lossless=True it is the same. `resize`, `convert` and other calls that return a new picture, a JPEG opened from a file
# object, and `lossless_jpeg=False` are saved as they are; so is the same picture as WebP.
#
# Why it matters: a mark of origin, the black bar over a face or a patch by inpainting is gone, and a thumbnail is as large as its
# original, for pictures that came as JPEG only. A test that starts from a PNG or from memory does not see it.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages pillow==13.0.0 pillow-jxl-plugin==1.3.8 <<'PY'
import warnings

import pillow_jxl  # noqa: F401  registers the format
from PIL import Image, ImageDraw

RED, BLUE = (200, 60, 30), (0, 0, 255)
Image.new("RGB", (256, 128), RED).save("a.jpg", quality=95)
Image.new("RGB", (256, 128), RED).save("a.png")


def near(pixel, colour):
    return max(abs(a - b) for a, b in zip(pixel, colour)) < 16


def saved(what, picture, name="b.jxl", **options):
    """Colour of the corner, and size, of what is saved."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        picture.save(name, **options)
    back = Image.open(name).convert("RGB")
    print(f"{what}: {back.getpixel((3, 3))}, {back.size}", *{str(warning.message)[:66] for warning in warned})
    return back.getpixel((3, 3)), back.size


def drawn(source):
    picture = Image.open(source)
    ImageDraw.Draw(picture).rectangle((0, 0, 40, 40), fill=BLUE)
    assert picture.getpixel((3, 3)) == BLUE
    return picture


def small():
    picture = Image.open("a.jpg")
    picture.thumbnail((64, 64))
    assert picture.size == (64, 32)
    return picture


for options in ({}, {"lossless": True}, {"quality": 50}):
    pixel, size = saved(f"drawn on a JPEG, {options}", drawn("a.jpg"), **options)
    assert near(pixel, RED)
assert saved("thumbnail of a JPEG", small())[1] == (256, 128)

assert near(saved("drawn on a JPEG, lossless_jpeg=False", drawn("a.jpg"), lossless_jpeg=False)[0], BLUE)
assert near(saved("drawn on a JPEG and copied", drawn("a.jpg").copy())[0], BLUE)
with open("a.jpg", "rb") as file:
    assert near(saved("drawn on a JPEG from a file object", drawn(file))[0], BLUE)
assert near(saved("drawn on a PNG", drawn("a.png"))[0], BLUE)
assert near(saved("drawn on a JPEG, as WebP", drawn("a.jpg"), name="b.webp", lossless=True)[0], BLUE)
PY

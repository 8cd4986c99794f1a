#!/usr/bin/env bash
# Lossy WebP at quality 100 keeps 220 of the 256 greys, and a few of them come back tinted.
#
# Seen with Pillow 13.0 (libwebp 1.6.0, libjpeg-turbo 3.2.0). A flat grey needs no detail, so one would
# expect the best quality to keep it. Lossy WebP always goes through luma from 16 to 235, which has 220
# steps for 256 greys: 36 pairs of neighbours become one, and four greys come back with unequal red,
# green and blue. JPEG with luma from 0 to 255 keeps all 256 at quality 100, and at 75 too; so does AVIF.
#
# Why it matters: "quality 100" does not make WebP a master copy. Soft skies and mist show steps that
# the same picture as a JPEG of half the quality does not have, a test for "grey stays grey" fails, and
# an edit that comes back as WebP is not the picture that went in. lossless=True is exact.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages pillow==13.0.0 <<'PY'
import io

from PIL import Image, features


def kept(name, **options):
    """How many of the 256 greys stay apart in flat pictures, and which come back tinted."""
    seen, tinted = set(), []
    for grey in range(256):
        file = io.BytesIO()
        Image.new("RGB", (64, 64), (grey, grey, grey)).save(file, name, **options)
        pixel = Image.open(file).convert("RGB").getpixel((32, 32))
        assert max(abs(value - grey) for value in pixel) <= 1
        seen.add(pixel)
        if len(set(pixel)) > 1:
            tinted.append(pixel)
    print(name, options, "greys apart:", len(seen), "tinted:", tinted)
    return len(seen), len(tinted)


print("libwebp", features.version("webp"), "libjpeg-turbo", features.version("libjpeg_turbo"))
assert kept("WEBP", quality=100) == (220, 4)
assert kept("WEBP", lossless=True) == (256, 0)
assert kept("JPEG", quality=100) == (256, 0)
assert kept("JPEG", quality=75) == (256, 0)
assert kept("AVIF", quality=100) == (256, 0)
PY

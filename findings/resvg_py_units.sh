#!/usr/bin/env bash
# resvg_py draws no line of 1 mm, no circle of 24 pt and no box of half an inch, and says nothing.
#
# Seen with resvg_py 0.5.0. Lengths of SVG may have a unit; CSS has settled 96 pixels to the inch, and so has resvg, whose Rust library
# and command take 96 when nothing is said. The package for Python takes 0, and every length in mm, cm, in, pt or pc is then 0: shapes
# and strokes of such lengths are left out of the picture without an error. Only where the whole picture has its
# size in such units does it raise, "SVG has an invalid size". With `dpi=96` all are drawn.
#
# Why it matters: drawing programs write mm and pt. Pictures that are drawn for training lack a part that their captions name, and no
# picture fails. Say `dpi=96`.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages resvg_py==0.5.0 pillow==13.0.0 numpy==2.4.6 <<'PY'
import io

import numpy as np
import resvg_py
from PIL import Image

SHAPES = {
    "a box of 0.5 in": '<rect x="0" y="0" width="0.5in" height="0.5in"/>',
    "the same box, 48 px": '<rect x="0" y="0" width="48px" height="48px"/>',
    "a line of 1 mm": '<path d="M0 48H96" stroke="black" stroke-width="1mm"/>',
    "a circle of 24 pt": '<circle cx="48" cy="48" r="24pt"/>',
    "a box of 2 cm": '<rect width="2cm" height="2cm"/>',
    "a box of 3 pc": '<rect width="3pc" height="3pc"/>',
    "a box of 3 em": '<rect width="3em" height="3em" font-size="16"/>',
}


def inked(shape, **options):
    """How many of the 9,216 pixels are drawn on."""
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" width="96" height="96">{shape}</svg>'
    picture = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, **options))))
    assert picture.size == (96, 96)
    return int((np.asarray(picture.convert("RGBA"))[..., 3] > 127).sum())


seen = {name: (inked(shape), inked(shape, dpi=96)) for name, shape in SHAPES.items()}
for name, (by_default, at_96) in seen.items():
    print(f"{name}: {by_default} pixels, with dpi=96 {at_96}")
same = ("the same box, 48 px", "a box of 3 em")
assert all(seen[name] == (48 * 48, 48 * 48) for name in same)
assert all(by_default == 0 and at_96 > 200 for name, (by_default, at_96) in seen.items() if name not in same)
assert seen["a box of 0.5 in"][1] == 48 * 48

whole = '<svg xmlns="http://www.w3.org/2000/svg" width="1in" height="1in"><rect width="48" height="48"/></svg>'
assert Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=whole, dpi=96)))).size == (96, 96)
try:
    resvg_py.svg_to_bytes(svg_string=whole)
    raise SystemExit("drawn")
except ValueError as error:
    print("a picture of 1 in:", error)
    assert str(error) == "SVG has an invalid size"
PY

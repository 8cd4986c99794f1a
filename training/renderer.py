"""Python's side of render.cpp: builds it on first use, collects primitives in scene units and draws
them.
"""

import ctypes
import functools
import hashlib
import math
import os
import subprocess
import tempfile
from enum import IntEnum
from pathlib import Path

import numpy as np

_SOURCE = Path(__file__).with_name("render.cpp")
_FLAGS = ["-std=c++20", "-O3", "-march=native", "-ffast-math", "-shared", "-fPIC"]


class Shape(IntEnum):
    """The order of render.cpp, which also says what each shape's parameters are."""

    ELLIPSE = 0
    BOX = 1
    TRIANGLE = 2
    STAR = 3
    HEART = 4
    CAPSULE = 5
    WAVE = 6
    DOME = 7


# Which parameters are positions (and so move with the canvas's origin): indices of x, indices of y.
_POSITIONS = {
    Shape.ELLIPSE: ((0,), (1,)),
    Shape.BOX: ((0,), (1,)),
    Shape.TRIANGLE: ((0, 2, 4), (1, 3, 5)),
    Shape.STAR: ((0,), (1,)),
    Shape.HEART: ((0,), (1,)),
    Shape.CAPSULE: ((0, 2), (1, 3)),
    Shape.DOME: ((0,), (1,)),
}


@functools.cache
def _library():
    """render.cpp, compiled once per version of the source into the temporary folder."""
    version = hashlib.sha256(_SOURCE.read_bytes() + " ".join(_FLAGS).encode()).hexdigest()[:12]
    path = Path(tempfile.gettempdir()) / f"paperland_render_{os.getuid()}_{version}.so"
    if not path.exists():
        part = path.with_suffix(f".{os.getpid()}")
        subprocess.run(["g++", *_FLAGS, "-o", str(part), str(_SOURCE)], check=True)
        os.replace(part, path)
    return ctypes.CDLL(str(path))


class Canvas:
    """A picture of width x height pixels under construction.

    Positions and lengths are in scene units; `unit` is their size and `origin` their zero point,
    both in pixels.
    """

    def __init__(self, width, height, unit, origin=(0.0, 0.0)):
        self.width, self.height, self.unit, self.origin = width, height, unit, origin
        self.sky = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
        self._rows = []

    def add(self, shape, params, colour, bottom=None, rows=(0.0, 1.0), softness=0.0, opacity=1.0):
        """Adds one primitive.  Its colour runs from `colour` to `bottom` between two rows."""
        left, top = self.origin
        if shape is Shape.WAVE:  # level, amplitude, cycles per unit, phase
            level, amplitude, cycles, phase = params
            turn = cycles * 2 * math.pi / self.unit
            p = [level * self.unit + top, amplitude * self.unit, turn, phase - left * turn]
        else:
            p = [v * self.unit for v in params]
            across, down = _POSITIONS[shape]
            for i in across:
                p[i] += left
            for i in down:
                p[i] += top
        p += [0.0] * (8 - len(p))
        self._rows.append(
            [
                shape,
                *p,
                *colour,
                *(bottom or colour),
                *(r * self.unit + top for r in rows),
                softness * self.unit,
                opacity,
            ]
        )

    def draw(self):
        """The picture: height x width x 3 bytes."""
        items = np.array(self._rows, dtype=np.float32).reshape(-1, 19)
        sky = np.array(self.sky, dtype=np.float32)
        out = np.empty((self.height, self.width, 3), np.uint8)
        address = lambda a: a.ctypes.data_as(ctypes.c_void_p)
        _library().paperland_render(
            address(items), len(items), address(sky), self.width, self.height, address(out)
        )
        return out

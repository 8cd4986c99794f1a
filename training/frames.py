"""Picture sizes: what is shown, and the canvas that it is cut from.

A picture is made at the next multiple of 128 pixels per side (one token is 128 x 128) and cropped
around its centre. The renderer composes a scene for the part that is shown and lets the background
run on to the canvas's edge.
"""

import math
from dataclasses import dataclass

TOKEN = 128  # pixels per side


@dataclass(frozen=True)
class Frame:
    """The shown part, in pixels."""

    width: int
    height: int

    @property
    def grid(self):
        """Tokens: (rows, columns)."""
        return math.ceil(self.height / TOKEN), math.ceil(self.width / TOKEN)

    @property
    def canvas(self):
        """Pixels of the whole picture: (width, height)."""
        rows, columns = self.grid
        return columns * TOKEN, rows * TOKEN

    @property
    def unit(self):
        """Pixels per unit of a scene: the shown part's short side."""
        return min(self.width, self.height)

    @property
    def extent(self):
        """The shown part in scene units: (width, height), the smaller of them 1."""
        return self.width / self.unit, self.height / self.unit

    def cut(self, picture):
        """The shown part of an array or tensor whose last two axes are the canvas's rows and
        columns.
        """
        width, height = self.canvas
        left, top = (width - self.width) // 2, (height - self.height) // 2
        return picture[..., top : top + self.height, left : left + self.width]


SQUARE = Frame(1024, 1024)
_WIDE = {
    "4:3": (1152, 864),
    "3:2": (1248, 832),
    "16:9": (1280, 720),
    "2:1": (1408, 704),
    "19.5:9": (1248, 576),
    "20:9": (1280, 576),
    "21:9": (1456, 624),
    "5:2": (1600, 640),
}
FRAMES = {"1:1": SQUARE}
for _ratio, (_width, _height) in _WIDE.items():
    FRAMES[_ratio] = Frame(_width, _height)
    FRAMES[":".join(reversed(_ratio.split(":")))] = Frame(_height, _width)

# How often each ratio is drawn in training; a ratio's two orientations are equally likely.
_SHARES = {
    "4:3": 0.06,
    "3:2": 0.06,
    "16:9": 0.07,
    "2:1": 0.03,
    "19.5:9": 0.012,
    "20:9": 0.012,
    "21:9": 0.012,
    "5:2": 0.012,
}


def sample_frame(rng, square=0.45):
    """A training frame: square with the given probability, else by the shares above."""
    if rng.random() < square:
        return SQUARE
    ratio = rng.choices(list(_SHARES), list(_SHARES.values()))[0]
    wide = FRAMES[ratio]
    return wide if rng.random() < 0.5 else Frame(wide.height, wide.width)

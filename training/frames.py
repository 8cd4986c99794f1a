"""Picture sizes: what is shown, and the canvas of whole tokens that it is cut from.

A picture is made at the next multiple of 64 pixels per side (one token is 64 x 64) and cropped
around its centre. Scenes are composed on the canvas.
"""

import math
from dataclasses import dataclass

TOKEN = 64  # pixels per side


@dataclass(frozen=True)
class Frame:
    """The shown part, in pixels."""

    width: int
    height: int
    token: int = TOKEN  # other models may have larger ones

    @property
    def grid(self):
        """Tokens: (rows, columns)."""
        return math.ceil(self.height / self.token), math.ceil(self.width / self.token)

    @property
    def canvas(self):
        """Pixels of the whole picture: (width, height)."""
        rows, columns = self.grid
        return columns * self.token, rows * self.token

    def within(self, pixels):
        """The frame of the same ratio that the engine makes in place of a larger one."""
        scale = min(1, math.sqrt(pixels / (self.width * self.height)))
        return Frame(round(self.width * scale), round(self.height * scale), self.token)

    def cut(self, picture):
        """The shown part of an array or tensor whose last two axes are the canvas's rows and
        columns.
        """
        width, height = self.canvas
        left, top = (width - self.width) // 2, (height - self.height) // 2
        return picture[..., top : top + self.height, left : left + self.width]


SMALL, SQUARE = Frame(512, 512), Frame(1024, 1024)
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

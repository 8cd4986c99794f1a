"""How each kind of thing is drawn from primitives."""

import math
from enum import Enum

from training.renderer import Shape
from training.scene import COLOURS

_BROWN, _DARK, _CREAM = (0.47, 0.30, 0.17), (0.17, 0.17, 0.21), (0.97, 0.93, 0.84)
_GLASS, _LEAF, _HANDLE = (0.77, 0.90, 0.97), (0.22, 0.58, 0.25), (0.62, 0.47, 0.34)
_ROOF, _LAMPLIGHT, _HUB = (0.42, 0.25, 0.20), (1.0, 0.93, 0.66), (0.75, 0.75, 0.78)
_WHITE, _SHADOW = (1.0, 1.0, 1.0), (0.04, 0.05, 0.12)
_SHADOW_WIDTH = {
    "tree": 0.55,
    "flower": 0.40,
    "mushroom": 0.62,
    "umbrella": 0.5,
    "star": 0.6,
    "heart": 0.5,
}
_HOVERING = ("star", "heart", "fish")


def mix(a, b, weight):
    """Colour a with `weight` of colour b."""
    return tuple(x * (1 - weight) + y * weight for x, y in zip(a, b))


def shade(colour, factor):
    return tuple(v * factor for v in colour)


class Part(Enum):
    """What to draw of a thing."""

    ALL = "all"
    SHADOW = "shadow"  # only its shadow on the ground
    OUTLINE = "outline"  # only its outline, filled white


class _Pen:
    """Draws in a thing's own coordinates: its centre is (0, 0), its half size 1, y runs down."""

    def __init__(self, canvas, thing, base, part):
        main = COLOURS[thing.colour]
        self.canvas, self.thing, self.base, self.part = canvas, thing, base, part
        self.light, self.dark, self.deep = (
            mix(main, _WHITE, 0.16),
            shade(main, 0.82),
            shade(main, 0.66),
        )
        self.y = base - thing.half * (1.1 if thing.kind in _HOVERING else 1.0)

    def _add(self, shape, params, points, colour, bottom, opacity=1.0):
        """`points`: how many leading parameters are coordinates; the rest are lengths."""
        s, x, y = self.thing.half, self.thing.x, self.y
        at = [v * s + (0 if i >= points else y if i % 2 else x) for i, v in enumerate(params)]
        if self.part is Part.OUTLINE:
            colour, bottom, opacity = _WHITE, None, 1.0
        self.canvas.add(shape, at, colour, bottom, (self.base - 2 * s, self.base), 0.0, opacity)

    def ellipse(self, x, y, rx, ry, colour=None, opacity=1.0):
        self._add(
            Shape.ELLIPSE,
            (x, y, rx, ry),
            2,
            colour or self.light,
            None if colour else self.dark,
            opacity,
        )

    def box(self, x, y, half_width, half_height, radius, colour=None):
        self._add(
            Shape.BOX,
            (x, y, half_width, half_height, radius),
            2,
            colour or self.light,
            None if colour else self.dark,
        )

    def triangle(self, a, b, c, rounding=0.0, colour=None):
        self._add(
            Shape.TRIANGLE,
            (*a, *b, *c, rounding),
            6,
            colour or self.light,
            None if colour else self.dark,
        )

    def dome(self, x, y, rx, ry, colour=None):
        self._add(
            Shape.DOME, (x, y, rx, ry), 2, colour or self.light, None if colour else self.dark
        )

    def capsule(self, a, b, radius, colour):
        self._add(Shape.CAPSULE, (*a, *b, radius), 4, colour, None)

    def star(self, x, y, radius, rounding):
        self._add(Shape.STAR, (x, y, radius, rounding), 2, self.light, self.dark)

    def heart(self, x, y, scale):
        self._add(Shape.HEART, (x, y, scale), 2, self.light, self.dark)

    def shadow(self):
        s = self.thing.half
        width = _SHADOW_WIDTH.get(self.thing.kind, 0.95)
        self.canvas.add(
            Shape.ELLIPSE,
            (self.thing.x, self.base + 0.01 * s, width * s, 0.10 * s),
            _SHADOW,
            softness=0.09 * s,
            opacity=0.42,
        )


def _ball(pen):
    pen.ellipse(0, 0, 1, 1)
    pen.ellipse(-0.36, -0.42, 0.22, 0.17, _WHITE, 0.55)


def _box(pen):
    pen.box(0, 0.12, 0.88, 0.88, 0.07)
    pen.box(0, -0.62, 0.98, 0.22, 0.07, pen.deep)


def _pyramid(pen):
    pen.triangle((-0.98, 1), (0.98, 1), (0.15, -0.92))
    pen.triangle((0.42, 1), (0.98, 1), (0.15, -0.92), 0.0, pen.deep)


def _star(pen):
    pen.star(0, 0.06, 1.0, 0.06)


def _heart(pen):
    pen.heart(0, 0.98, 1.72)
    pen.ellipse(-0.42, -0.42, 0.17, 0.17, _WHITE, 0.45)


def _house(pen):
    pen.box(0, 0.42, 0.76, 0.58, 0.0)
    pen.triangle((-0.98, -0.12), (0.98, -0.12), (0, -0.98), 0.0, _ROOF)
    pen.box(0.30, 0.66, 0.19, 0.34, 0.02, _DARK)
    pen.box(-0.32, 0.42, 0.22, 0.20, 0.02, _LAMPLIGHT)


def _tree(pen):
    pen.box(0, 0.62, 0.14, 0.38, 0.02, _BROWN)
    for x, y, radius in ((-0.40, 0.02, 0.46), (0.40, 0.02, 0.46), (0.0, -0.42, 0.56)):
        pen.ellipse(x, y, radius, radius)


def _car(pen):
    pen.box(-0.05, 0.12, 0.56, 0.44, 0.20)
    pen.box(0, 0.50, 1.0, 0.30, 0.14)
    pen.box(-0.30, 0.04, 0.21, 0.18, 0.05, _GLASS)
    pen.box(0.20, 0.04, 0.21, 0.18, 0.05, _GLASS)
    for x in (-0.52, 0.52):
        pen.ellipse(x, 0.76, 0.24, 0.24, _DARK)
        pen.ellipse(x, 0.76, 0.10, 0.10, _HUB)


def _flower(pen):
    pen.capsule((0, -0.2), (0, 0.97), 0.06, _LEAF)
    pen.ellipse(0.26, 0.66, 0.24, 0.11, _LEAF)
    for k in range(6):
        angle = k * math.pi / 3
        pen.ellipse(math.cos(angle) * 0.40, -0.34 + math.sin(angle) * 0.40, 0.27, 0.27)
    heart = (0.55, 0.33, 0.12) if pen.thing.colour in ("yellow", "orange") else (0.99, 0.80, 0.22)
    pen.ellipse(0, -0.34, 0.22, 0.22, heart)


def _mushroom(pen):
    pen.box(0, 0.50, 0.26, 0.50, 0.14, _CREAM)
    pen.dome(0, 0.18, 0.98, 1.08)
    dots = _WHITE if pen.thing.colour != "white" else (0.80, 0.68, 0.58)
    for x, y, radius in ((-0.45, -0.16, 0.15), (0.06, -0.48, 0.17), (0.50, -0.12, 0.14)):
        pen.ellipse(x, y, radius, radius, dots)


def _fish(pen):
    pen.triangle((0.42, 0.25), (0.98, -0.30), (0.98, 0.80), 0.02, pen.deep)
    pen.ellipse(-0.16, 0.25, 0.82, 0.58)
    pen.triangle((-0.05, 0.18), (0.34, 0.02), (0.34, 0.48), 0.02, pen.deep)
    pen.ellipse(-0.58, 0.10, 0.13, 0.13, _WHITE)
    pen.ellipse(-0.60, 0.10, 0.065, 0.065, _DARK)


def _umbrella(pen):
    pen.capsule((0, -0.2), (0, 0.86), 0.055, _HANDLE)
    pen.capsule((0, 0.90), (0.24, 0.90), 0.06, _HANDLE)
    pen.dome(0, 0.10, 1.0, 1.02)
    pen.dome(0, 0.10, 0.36, 1.02, pen.deep)


_DRAWINGS = {
    "ball": _ball,
    "box": _box,
    "pyramid": _pyramid,
    "star": _star,
    "heart": _heart,
    "house": _house,
    "tree": _tree,
    "car": _car,
    "flower": _flower,
    "mushroom": _mushroom,
    "fish": _fish,
    "umbrella": _umbrella,
}


def draw_thing(canvas, thing, base, part=Part.ALL):
    """Draws a thing that stands on row `base`."""
    pen = _Pen(canvas, thing, base, part)
    if part is not Part.OUTLINE:
        pen.shadow()
    if part is not Part.SHADOW:
        _DRAWINGS[thing.kind](pen)

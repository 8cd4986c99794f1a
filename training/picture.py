"""Draws scenes."""

import numpy as np

from training.renderer import Canvas, Shape
from training.scene import COLOURS
from training.things import Part, draw_thing, mix, shade

_WHITE = (1.0, 1.0, 1.0)
_SKY = {
    "day": ((0.40, 0.69, 0.95), (0.84, 0.94, 0.99)),
    "sunset": ((0.47, 0.27, 0.55), (1.0, 0.62, 0.36)),
    "night": ((0.04, 0.06, 0.17), (0.19, 0.21, 0.44)),
}
_GROUND = {  # far and near layer, in daylight
    "meadow": ((0.42, 0.68, 0.44), (0.56, 0.80, 0.38)),
    "desert": ((0.83, 0.62, 0.42), (0.93, 0.78, 0.52)),
    "beach": ((0.16, 0.56, 0.78), (0.95, 0.87, 0.66)),
    "snow": ((0.70, 0.80, 0.92), (0.88, 0.93, 0.99)),
}
_HILLS = {"meadow": 0.030, "desert": 0.045, "snow": 0.038}  # amplitude
_TINT = {"day": (1.0, 1.0, 1.0), "sunset": (0.86, 0.688, 0.602), "night": (0.37, 0.38, 0.50)}
_BRIGHTNESS = {"day": 1.0, "sunset": 0.86, "night": 0.50}
_STARS = (
    (0.10, 0.10),
    (0.27, 0.23),
    (0.42, 0.07),
    (0.60, 0.20),
    (0.06, 0.36),
    (0.50, 0.35),
    (0.90, 0.38),
)


def _disc(canvas, x, y, radius, colour, bottom=None, softness=0.0, opacity=1.0):
    canvas.add(
        Shape.ELLIPSE,
        (x, y, radius, radius),
        colour,
        bottom,
        (y - radius, y + radius),
        softness,
        opacity,
    )


def _lights(canvas, scene):
    """Sun or moon, clouds, stars."""
    across = lambda v: (v if scene.light_left else 1 - v) * scene.width
    sink = scene.sky_shift
    if scene.time == "day":
        x, y = across(0.17), 0.17 + sink
        _disc(canvas, x, y, 0.10, (1.0, 0.97, 0.75), softness=0.10, opacity=0.75)
        _disc(canvas, x, y, 0.085, (1.0, 0.88, 0.36))
        x, y = across(0.74 + scene.drift), 0.20 + sink
        for dx, dy, radius in ((-0.09, 0.015, 0.045), (0.0, -0.01, 0.065), (0.09, 0.015, 0.045)):
            _disc(canvas, x + dx, y + dy, radius, _WHITE)
        canvas.add(Shape.BOX, (x, y + 0.04, 0.13, 0.024, 0.024), _WHITE)
    elif scene.time == "sunset":
        x, y = across(0.22), scene.horizon + scene.ground_shift - 0.07
        _disc(canvas, x, y, 0.16, (1.0, 0.80, 0.45), softness=0.16, opacity=0.80)
        _disc(canvas, x, y, 0.125, (1.0, 0.90, 0.55), (1.0, 0.72, 0.38))
    else:
        for x, y in _STARS:
            _disc(canvas, across(x), y + sink, 0.007, (0.97, 0.96, 0.88))
        x, y = across(0.80), 0.17 + sink
        _disc(canvas, x, y, 0.10, (0.75, 0.80, 1.0), softness=0.11, opacity=0.45)
        _disc(canvas, x, y, 0.08, (0.98, 0.96, 0.84))


def _ground(canvas, scene):
    tint = _TINT[scene.time]
    far, near = (tuple(v * t for v, t in zip(layer, tint)) for layer in _GROUND[scene.setting])
    down = scene.ground_shift
    horizon = scene.horizon + down
    if scene.setting == "beach":
        canvas.add(
            Shape.WAVE, (horizon, 0.0, 1.0, 0.0), far, shade(far, 0.86), (horizon, 0.75 + down)
        )
        foam = mix(near, _WHITE, 0.55 * _BRIGHTNESS[scene.time])
        canvas.add(Shape.WAVE, (horizon + 0.115, 0.010, 1.2, scene.phase), foam)
        canvas.add(
            Shape.WAVE,
            (horizon + 0.135, 0.010, 1.2, scene.phase),
            near,
            shade(near, 0.90),
            (0.72 + down, 1.0 + down),
        )
        return
    hills = _HILLS[scene.setting]
    canvas.add(
        Shape.WAVE, (horizon, hills, 0.9, scene.phase), far, shade(far, 0.92), (horizon, 0.8 + down)
    )
    canvas.add(
        Shape.WAVE,
        (horizon + 0.12, hills * 0.6, 0.75, scene.phase + 2.2),
        near,
        shade(near, 0.86),
        (0.70 + down, 1.0 + down),
    )


def _backdrop(canvas, scene):
    colour = (
        mix(COLOURS[scene.backdrop], _WHITE, 0.42)
        if scene.backdrop != "white"
        else (0.93, 0.93, 0.92)
    )
    canvas.sky = mix(colour, _WHITE, 0.25), colour
    down = scene.ground_shift
    canvas.add(
        Shape.WAVE,
        (scene.base + down - 0.10, 0.0, 1.0, 0.0),
        shade(colour, 0.88),
        shade(colour, 0.80),
        (0.7 + down, 1.0 + down),
    )


def _canvas(frame, shrink):
    width, height = (round(v / shrink) for v in frame.canvas)
    left, top = (
        (whole - shown) / 2 / shrink
        for whole, shown in zip(frame.canvas, (frame.width, frame.height))
    )
    return Canvas(width, height, frame.unit / shrink, (left, top))


def draw(scene, frame, shrink=1, part=Part.ALL):
    """A scene on its frame's canvas: canvas height x width x 3 bytes, both divided by `shrink`.

    part: Part.SHADOW leaves the things out and keeps their shadows.
    """
    canvas = _canvas(frame, shrink)
    if scene.setting == "plain":
        _backdrop(canvas, scene)
    else:
        canvas.sky = _SKY[scene.time]
        _lights(canvas, scene)
        _ground(canvas, scene)
    for thing in scene.things:
        draw_thing(canvas, thing, scene.base + scene.ground_shift, part)
    return canvas.draw()


def draw_outline(scene, frame, shrink=1):
    """Where the scene's things are: canvas height x width, 0 to 1."""
    canvas = _canvas(frame, shrink)
    for thing in scene.things:
        draw_thing(canvas, thing, scene.base + scene.ground_shift, Part.OUTLINE)
    return canvas.draw()[..., 0].astype(np.float32) / 255

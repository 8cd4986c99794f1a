"""Draws a whole scene."""

import numpy as np
from PIL import ImageDraw

from training import artwork, backdrop, styles
from training.frames import TOKEN

_SHADOW = (20, 24, 48, 70)
_SHADED = ("stars", "plain")  # settings without a ground that could be shaded


def _shadow(thing):
    """(box in pixels) of the flat shadow on which a thing stands."""
    down, middle, width = artwork.base(thing.kind)
    size = thing.size * TOKEN
    x, y = thing.x * TOKEN + middle * size, thing.y * TOKEN + down * size
    half = max(0.18, width * 0.6) * size
    return [x - half, y - 0.035 * size, x + half, y + 0.035 * size]


def _on_ground(scene, thing):
    return scene.setting not in _SHADED and thing.y + thing.size > scene.horizon


def _around(box, scene):
    """A box in tokens with one token more on each side where there is one: styles look around."""
    x, y, columns, rows = box
    left, top = min(x, 1), min(y, 1)
    right, low = min(scene.columns - x - columns, 1), min(scene.rows - y - rows, 1)
    return (x - left, y - top, columns + left + right, rows + top + low), (left, top)


def draw(scene, box=None):
    """A scene's canvas as rows x columns x 3 bytes; box: only a part of it (column, row, columns,
    rows; in tokens).
    """
    box = box or (0, 0, scene.columns, scene.rows)
    (x0, y0, columns, rows), margin = _around(box, scene)
    canvas = backdrop.draw(scene).crop(
        (x0 * TOKEN, y0 * TOKEN, (x0 + columns) * TOKEN, (y0 + rows) * TOKEN)
    )
    pen = ImageDraw.Draw(canvas, "RGBA")
    for thing in scene.things:
        if _on_ground(scene, thing):
            left, top, right, low = _shadow(thing)
            shift = x0 * TOKEN, y0 * TOKEN
            pen.ellipse(
                [left - shift[0], top - shift[1], right - shift[0], low - shift[1]], fill=_SHADOW
            )
    for thing in scene.things:
        size = round(thing.size * TOKEN)
        drawn = artwork.sprite(thing.kind, size, thing.colour)
        canvas.paste(drawn, (round((thing.x - x0) * TOKEN), round((thing.y - y0) * TOKEN)), drawn)
    if scene.weather in ("rain", "snowfall"):
        drawn = backdrop.veil(scene.weather, rows, columns)
        canvas.paste(drawn, (0, 0), drawn)
    picture = np.asarray(canvas)
    if scene.style != "flat":
        picture = styles.apply(picture, scene.style)
    left, top = (v * TOKEN for v in margin)
    return picture[top : top + box[3] * TOKEN, left : left + box[2] * TOKEN]

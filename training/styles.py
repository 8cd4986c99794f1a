"""Styles as exact filters of the flat picture: the same scene, drawn another way.

Papers and grains repeat with every token.
"""

import functools

import numpy as np
from PIL import Image, ImageFilter

from training.frames import TOKEN

_PIXEL = 16  # side of a block of the pixel style
_SHADES = 6  # levels per channel that it keeps


def _float(picture):
    return picture.astype(np.float32) / 255


def _bytes(picture):
    return (picture.clip(0, 1) * 255 + 0.5).astype(np.uint8)


def _blurred(picture, radius):
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(radius)))


@functools.cache
def _grain():
    """One token of paper, -1..1."""
    rng = np.random.default_rng(7)
    noise = rng.standard_normal((TOKEN // 8, TOKEN // 8)).astype(np.float32)
    noise = np.kron(noise, np.ones((8, 8), np.float32))
    for axis in (0, 1):  # softened around the edges too, so that tokens join
        noise = sum(np.roll(noise, shift, axis) for shift in range(-4, 5)) / 9
    return noise / np.abs(noise).max()


def _paper(shape):
    return np.tile(_grain(), (shape[0] // TOKEN, shape[1] // TOKEN))[..., None]


@functools.cache
def _kernel():
    return ImageFilter.Kernel((3, 3), (-1, -1, -1, -1, 8, -1, -1, -1, -1), 1, 0)


def _edges(picture, width):
    """Where colours change, 0..1, in lines about `width` pixels wide."""
    x = picture.astype(np.int16)
    found = np.zeros(picture.shape[:2], np.int16)
    step = np.abs(x[:, 1:] - x[:, :-1]).max(-1)
    np.maximum(found[:, 1:], step, out=found[:, 1:])
    step = np.abs(x[1:] - x[:-1]).max(-1)
    np.maximum(found[1:], step, out=found[1:])
    lines = Image.fromarray(((found > 14) * 255).astype(np.uint8))
    lines = lines.filter(ImageFilter.MaxFilter(width)).filter(ImageFilter.GaussianBlur(0.7))
    return _float(np.asarray(lines))[..., None]


def _pixel(picture):
    height, width = (v // _PIXEL for v in picture.shape[:2])
    small = np.asarray(Image.fromarray(picture).resize((width, height), Image.BOX))
    small = np.round(_float(small) * (_SHADES - 1)) / (_SHADES - 1)
    return _bytes(np.repeat(np.repeat(small, _PIXEL, 0), _PIXEL, 1))


def _sketch(picture):
    grey = _float(picture).mean(-1, keepdims=True)
    paper = 0.96 + 0.02 * _paper(picture.shape)
    shaded = paper - 0.25 * (1 - grey)
    line = _edges(picture, 3)
    return _bytes(np.repeat(shaded * (1 - line) + 0.22 * line, 3, -1))


def _watercolour(picture):
    soft = _float(_blurred(picture, 6))
    washed = 0.25 + 0.75 * soft
    line = _edges(picture, 3)
    return _bytes(washed * (1 - 0.12 * line) + 0.05 * _paper(picture.shape))


def _neon(picture):
    colour = _float(picture)
    bright = colour / np.maximum(colour.max(-1, keepdims=True), 0.25)
    line = _edges(picture, 5) * (0.15 + 0.85 * bright)
    glow = _float(_blurred(_bytes(line), 8))
    return _bytes(np.maximum(line, 0.9 * glow) + 0.03)


def _cutout(picture):
    """Flat sheets: few colours, each edge with a soft shadow to the lower right."""
    sheets = np.round(_float(picture) * 7) / 7
    line = _bytes(np.repeat(_edges(picture, 5), 3, -1))
    shadow = _float(np.roll(_blurred(line, 4), (5, 5), (0, 1)))
    return _bytes(sheets * (1 - 0.45 * shadow) + 0.03 * _paper(picture.shape))


def _blueprint(picture):
    paper = np.array((0.10, 0.27, 0.58), np.float32)
    grid = np.zeros(picture.shape[:2], np.float32)
    grid[:: TOKEN // 2], grid[:, :: TOKEN // 2] = 0.10, 0.10
    line = np.maximum(_edges(picture, 3), grid[..., None])
    return _bytes(paper * (1 - line) + 0.95 * line)


def _sepia(picture):
    grey = _float(picture) @ np.array((0.299, 0.587, 0.114), np.float32)
    return _bytes(grey[..., None] * np.array((0.95, 0.80, 0.58)) + np.array((0.07, 0.04, 0.02)))


_FILTERS = {
    "pixel": _pixel,
    "sketch": _sketch,
    "watercolour": _watercolour,
    "neon": _neon,
    "cutout": _cutout,
    "blueprint": _blueprint,
    "sepia": _sepia,
}


def apply(picture, style):
    """The picture, rows x columns x 3 bytes, in another style than flat."""
    return _FILTERS[style](picture)

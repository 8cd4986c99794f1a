"""The artwork: 327 kinds of things from Fluent Emoji Flat (Microsoft Corporation, MIT), as vector
drawings of one style, drawn at any size and in other colours.
"""

import colorsys
import csv
import functools
import io
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import resvg_py
from PIL import Image

from training import packages

PACKAGE, VERSION = "@iconify-json/fluent-emoji-flat", "1.2.6"
_VIEW_BOX = 32
_KINDS = Path(__file__).parent / "kinds.tsv"
_HEX = re.compile(r"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{3})\b")
_NEAR = 50 / 360  # hues this near to the dominant one turn with it
_GREY = 0.15  # saturation below which a colour has no hue

# What a recoloured thing, and a plain backdrop, is painted with.
COLOURS = {
    "red": "#e5313a",
    "orange": "#f58a1f",
    "yellow": "#fcd53f",
    "green": "#2fa84f",
    "turquoise": "#2cc5bd",
    "blue": "#2f6fe0",
    "purple": "#8a4fc9",
    "pink": "#f27bb0",
    "brown": "#8c5a3c",
    "white": "#f4f4f4",
    "grey": "#8f959c",
    "black": "#2b2b33",
}


@dataclass(frozen=True)
class Kind:
    """One noun of the world; `words` are its names, the plain one first."""

    name: str
    group: str
    words: tuple
    recolour: bool


def _read_kinds():
    with open(_KINDS, newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {
        row["icon"]: Kind(
            row["icon"], row["group"], tuple(row["words"].split("|")), row["colour"] == "recolour"
        )
        for row in rows
    }


KINDS = _read_kinds()


# ---------------------------------------------------------------- fetching
def fetch():
    """The folder of the package's drawings and of the code points that they stand for."""
    return packages.fetch(PACKAGE, VERSION, ("icons.json", "chars.json"))


@functools.cache
def _bodies():
    icons = json.loads((fetch() / "icons.json").read_text())["icons"]
    return {name: icons[name]["body"] for name in KINDS}


@functools.cache
def characters():
    """The emoji of each kind: the names by which the world's languages know it hang on them."""
    points = json.loads((fetch() / "chars.json").read_text())
    found = {name: [] for name in KINDS}
    for point, name in points.items():
        if name in found:
            found[name].append("".join(chr(int(code, 16)) for code in point.split("-")))
    return found


# ---------------------------------------------------------------- colours
def rgb(text):
    """A colour as three numbers in 0..1."""
    digits = text[1:] if len(text) == 7 else "".join(c * 2 for c in text[1:])
    return tuple(int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))


def _distance(a, b):
    return abs((a - b + 0.5) % 1 - 0.5)


@functools.cache
def _dominant(name):
    """Hue and lightness of the colour that covers most of a drawing (colours without hue count
    little).
    """
    pixels = np.asarray(rasterise(_bodies()[name], 48))
    solid = pixels[pixels[..., 3] > 250][:, :3]
    colours, counts = np.unique(solid, axis=0, return_counts=True)
    best = max(zip(colours / 255, counts), key=lambda item: item[1] * (0.05 + _saturation(item[0])))
    hue, lightness, _ = colorsys.rgb_to_hls(*best[0])
    return hue, lightness


def _saturation(colour):
    return colorsys.rgb_to_hls(*colour)[2]


def recoloured(name, colour):
    """A drawing's body with its dominant colour turned to `colour`; shades of it keep their
    distance in lightness.
    """
    hue, middle = _dominant(name)
    new_hue, new_middle, new_saturation = colorsys.rgb_to_hls(*rgb(COLOURS[colour]))

    def turned(match):
        h, lightness, s = colorsys.rgb_to_hls(*rgb(match[0]))
        if s < _GREY or _distance(h, hue) > _NEAR:
            return match[0]
        lightness = min(0.97, max(0.04, new_middle + 0.8 * (lightness - middle)))
        made = colorsys.hls_to_rgb(new_hue, lightness, new_saturation)
        return "#" + "".join(f"{round(v * 255):02x}" for v in made)

    return _HEX.sub(turned, _bodies()[name])


# ---------------------------------------------------------------- drawing
def rasterise(body, width, height=None, box=None):
    """An SVG body as an RGBA picture; box: its view box's width and height."""
    height = height or width
    across, down = box or (_VIEW_BOX, _VIEW_BOX)
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {across} {down}" '
        f'width="{width}" height="{height}" preserveAspectRatio="none">{body}</svg>'
    )
    drawn = resvg_py.svg_to_bytes(svg_string=svg, skip_system_fonts=True)
    return Image.open(io.BytesIO(drawn)).convert("RGBA")


def stored(key, make):
    """The picture make() draws, RGBA or RGB; drawn once, then mapped from the cache folder, so that
    all processes share one copy.
    """
    path = packages.cache_folder() / f"rasters-{VERSION}" / f"{key}.npy"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        with open(part, "wb") as file:
            np.save(file, np.asarray(make()))
        os.replace(part, path)
    pixels = np.load(path, mmap_mode="r")
    mode = "RGBA" if pixels.shape[2] == 4 else "RGB"
    return Image.frombuffer(mode, pixels.shape[1::-1], pixels, "raw", mode, 0, 1)


@functools.lru_cache(maxsize=16000)
def sprite(name, size, colour=None):
    """A thing `size` pixels wide, RGBA. Callers must not change it."""
    return stored(f"{name}-{size}-{colour}", lambda: _drawn(name, size, colour))


def _drawn(name, size, colour):
    return rasterise(recoloured(name, colour) if colour else _bodies()[name], size)


@functools.cache
def base(name):
    """Where a thing touches the ground, as a share of its height: its lowest solid row; and the
    middle and width there, as shares of its width.
    """
    solid = np.asarray(sprite(name, 64))[..., 3] > 128
    row = int(np.flatnonzero(solid.any(1))[-1])
    columns = np.flatnonzero(solid[max(0, row - 5) : row + 1].any(0))
    return (row + 1) / 64, (columns[0] + columns[-1] + 1) / 128, (columns[-1] + 1 - columns[0]) / 64

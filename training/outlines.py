"""How far a picture's thing strays from its ideal outline.

The renderer knows the ideal shape of what the prompt asks for, but not where the picture puts it.
So the scene's free numbers (place, size, horizon, ...) are fitted to the picture, the picture's
pixels are sorted into thing and background by the fitted render's colours, and the two outlines are
compared:

    distance = area in which they differ / length of the ideal outline

in pixels of the full-size picture.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from training.picture import draw, draw_outline
from training.things import Part

_FIT_SHRINK, _COMPARE_SHRINK = 8, 2
_STEPS = {"x": 0.08, "half": 0.04, "base": 0.025, "horizon": 0.02, "phase": 0.5, "drift": 0.04}
_HALVINGS = 7
_WINDOW = 0.06  # how far around the ideal outline strays are looked for, in scene units
_CONTRAST_MIN = 24  # levels between thing and background below which an outline cannot be seen
_PALETTE = 16  # colours


@dataclass(frozen=True)
class Outline:
    """distance: mean, in full-size pixels; overlap: intersection over union of the two areas."""

    distance: float
    overlap: float


def _moved(scene, values):
    thing = replace(scene.things[0], x=values["x"], half=values["half"])
    return replace(
        scene,
        base=values["base"],
        horizon=values["horizon"],
        phase=values["phase"],
        drift=values["drift"],
        things=[thing],
    )


def fit(scene, frame, picture):
    """The single-thing scene with the same facts that comes nearest to a picture (canvas height x
    width x 3 bytes).
    """
    width, height = (v // _FIT_SHRINK for v in frame.canvas)
    small = np.asarray(Image.fromarray(picture).resize((width, height), Image.BOX)).astype(np.int16)
    error = lambda candidate: np.abs(
        draw(candidate, frame, _FIT_SHRINK).astype(np.int16) - small
    ).mean()

    values = {
        "x": scene.width / 2,
        "half": 0.24,
        "base": 0.845,
        "horizon": 0.61,
        "phase": 0.0,
        "drift": 0.0,
    }
    starts = [
        replace(_moved(scene, values | {"phase": phase, "x": x}), light_left=left)
        for left in (True, False)
        for phase in np.linspace(0, 2 * math.pi, 8, endpoint=False)
        for x in (values["x"] - 0.08, values["x"] + 0.08)
    ]
    best_error, start = min(((error(candidate), i) for i, candidate in enumerate(starts)))
    best = starts[start]
    values |= {"phase": best.phase, "x": best.things[0].x}
    scale = 1.0
    for _ in range(_HALVINGS):
        improved = True
        while improved:
            improved = False
            for name, step in _STEPS.items():
                for sign in (1, -1):
                    trial = values | {name: values[name] + sign * step * scale}
                    if trial["half"] < 0.05:
                        continue
                    found = error(_moved(best, trial))
                    if found < best_error - 1e-3:
                        best_error, values, improved = found, trial, True
                        break
        scale /= 2
    return _moved(best, values)


def _palette(colours):
    """The most common colours of an N x 3 array."""
    image = Image.fromarray(colours[None].astype(np.uint8)).quantize(_PALETTE)
    used = [index for _, index in image.getcolors()]
    return np.array(image.getpalette(), dtype=np.int16).reshape(-1, 3)[used]


def _grown(mask, radius):
    """A mask with everything within `radius` pixels (a square's worth)."""
    reach = (
        np.pad(mask.astype(np.int32), ((radius + 1, radius), (radius + 1, radius)))
        .cumsum(0)
        .cumsum(1)
    )
    side = 2 * radius + 1
    return (
        reach[side:, side:] - reach[:-side, side:] - reach[side:, :-side] + reach[:-side, :-side]
        > 0
    )


def _length(mask):
    """Length of a mask's outline in pixels (Crofton's formula with four directions)."""
    m = mask.astype(np.int8)
    straight = np.abs(np.diff(m, axis=0)).sum() + np.abs(np.diff(m, axis=1)).sum()
    slanted = np.abs(m[1:, 1:] - m[:-1, :-1]).sum() + np.abs(m[1:, :-1] - m[:-1, 1:]).sum()
    return math.pi / 8 * (straight + slanted / math.sqrt(2))


def compare(scene, frame, picture):
    """The Outline of a picture (canvas height x width x 3 bytes) of a scene with one thing; None
    where the thing hardly differs from its background.
    """
    fitted = fit(scene, frame, picture)
    width, height = (v // _COMPARE_SHRINK for v in frame.canvas)
    seen = np.asarray(Image.fromarray(picture).resize((width, height), Image.BOX)).astype(np.int16)
    whole = draw(fitted, frame, _COMPARE_SHRINK).astype(np.int16)
    behind = draw(fitted, frame, _COMPARE_SHRINK, Part.SHADOW).astype(np.int16)
    ideal = draw_outline(fitted, frame, _COMPARE_SHRINK) > 0.5
    if np.abs(whole - behind)[ideal].mean() < _CONTRAST_MIN:
        return None
    to_thing = np.min([np.abs(seen - colour).sum(-1) for colour in _palette(whole[ideal])], axis=0)
    is_thing = to_thing < np.abs(seen - behind).sum(-1)
    window = _grown(ideal, round(_WINDOW * frame.unit / _COMPARE_SHRINK))
    is_thing &= window
    differing = (is_thing != ideal).sum()
    return Outline(
        distance=differing / _length(ideal) * _COMPARE_SHRINK,
        overlap=(is_thing & ideal).sum() / (is_thing | ideal).sum(),
    )

"""What the autoencoder is trained on: crops that lie on whole tokens, most of them with something
in them, and whole pictures, so that the group norms learn the statistics of both.
"""

import random

import numpy as np

from training.picture import draw
from training.scene import Mix, sample_scene

_EMPTY = 0.12  # share of crops that are taken anywhere
_SMALL_SCENES = 0.6  # share of crops from 512 x 512 pictures; the rest are from 1024 x 1024
MIX = Mix(pairs=0.25, rows=0.10, groups=0.15, empty=0.02, styled=0.25, held_out="any")
# (share, pictures, tokens per side, whole). Small batches: four times as many steps for the same
# pictures were worth more than smoother gradients.
_BATCHES = (
    (0.57, 4, 4, False),
    (0.17, 2, 6, False),
    (0.20, 1, 8, True),
    (0.06, 1, 16, True),
)
_TINY = ((1.0, 1, 4, False),)


def _corner(rng, scene, side):
    """Where a crop begins, in tokens: at a thing unless it is one of the empty ones."""
    if not scene.things or rng.random() < _EMPTY:
        return rng.randint(0, scene.columns - side), rng.randint(0, scene.rows - side)
    thing = rng.choice(scene.things)
    spread = thing.size - 1
    at = lambda start, limit: min(
        limit, max(0, int(start) + rng.randint(-side // 2, spread - side // 2))
    )
    return at(thing.x, scene.columns - side), at(thing.y, scene.rows - side)


def _crop(rng, side):
    small = side <= 6 and rng.random() < _SMALL_SCENES
    scene = sample_scene(rng, (8, 8) if small else (16, 16), MIX)
    return draw(scene, (*_corner(rng, scene, side), side, side))


class Crops:
    """Makes batches: N x H x W x 3 bytes of one of the sizes; tiny ones to try things out."""

    def __init__(self, seed, tiny=False):
        self.rng, self.sizes = random.Random(seed), _TINY if tiny else _BATCHES

    def __call__(self):
        rng = self.rng
        _, count, side, whole = rng.choices(self.sizes, [share for share, *_ in self.sizes])[0]
        if whole:
            return np.stack([draw(sample_scene(rng, (side, side), MIX)) for _ in range(count)])
        return np.stack([_crop(rng, side) for _ in range(count)])

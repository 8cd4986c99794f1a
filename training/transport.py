"""Which noise goes with which scene, where no caption decides.

A caption does not say on which side the sun is. A model that learns from independent pairs of noise
and picture must begin with the mean of both, and a few steps later there are two half suns. So among
the scenes that the same words could mean noise goes with the one that it resembles most
(semi-discrete optimal transport, Pooladian et al. 2023, arXiv 2304.14772): what a noisy picture
already tells of its scene, pure noise then tells too. Over all scenes the noise is what every
sampler draws, and who draws it has chosen the scene.

Scenes are compared by what they have in common with others that chose alike: the mean tokens of a
light, of what stands where.
"""

from collections import defaultdict
from dataclasses import dataclass

import torch

from training.scene import IN_THE_AIR, Scene

_OUTDOORS = "outdoors"
_ALIKE_LEAST = 30  # scenes of the same words, or nothing is tied
_FITTED, _ROUNDS = 4096, 200  # draws to fit the prices on
_TRIES = 256


def said(scene):
    """What the words leave no choice about and the choices depend on."""
    setting = scene.setting if scene.setting in ("plain", "stars", "room") else _OUTDOORS
    flies = bool(scene.things) and scene.things[0].kind in IN_THE_AIR
    grid = scene.rows, scene.columns
    return grid, setting, scene.layout, scene.relation, len(scene.things), flies


def chosen(scene):
    """What the words leave open, in parts that are seen apart."""
    boxes = tuple((thing.x, thing.y, thing.size) for thing in scene.things)
    if scene.setting == "plain":
        return (boxes,)
    return boxes, scene.light_left


@dataclass
class Open:
    """The choices of one set of words, as directions of noise.

    basis: R x (P x 32), orthonormal; signs: J x R, the mean tokens of choice j; prices: J, such
    that normal noise takes each choice as often as the scenes do.
    """

    basis: torch.Tensor
    signs: torch.Tensor
    prices: torch.Tensor

    def taken(self, numbers):
        """Numbers N x R of noise -> the choice that each resembles most."""
        return (numbers @ self.signs.T + self.prices).argmax(1)

    def tied(self, noise, choice):
        """Noise P x 32 -> the same with numbers that take `choice`."""
        flat = noise.flatten()
        drawn = torch.randn(_TRIES, len(self.basis))
        gains = drawn @ self.signs.T + self.prices
        others = gains.clone()
        others[:, choice] = -torch.inf
        lead = gains[:, choice] - others.max(1).values
        found = (lead > 0).nonzero()
        numbers = drawn[found[0, 0]] if len(found) else drawn[lead.argmax()]
        return (flat + (numbers - self.basis @ flat) @ self.basis).view_as(noise)


def _signs(tokens, choices):
    """Mean tokens of each choice: J x (P x 32), the sum of its parts'."""
    tokens = tokens.float().flatten(1)
    middle = tokens.mean(0)
    parts = defaultdict(list)
    for row, choice in enumerate(choices):
        for part in enumerate(choice):
            parts[part].append(row)
    means = {part: tokens[rows].mean(0) - middle for part, rows in parts.items()}
    return lambda choice: sum(means[part] for part in enumerate(choice))


def _fit_prices(signs, shares, generator):
    """Prices that make normal noise take each choice by its share."""
    prices = torch.zeros(len(signs))
    numbers = torch.randn(_FITTED, signs.shape[1], generator=generator)
    gains = numbers @ signs.T
    pace = gains.std()
    for i in range(_ROUNDS):
        taken = (gains + prices).argmax(1)
        found = torch.bincount(taken, minlength=len(signs)) / _FITTED
        prices += pace * (shares - found) / (shares + 1e-3).sqrt() / (1 + i / 20)
    return prices


def open_choices(tokens, choices):
    """(Open, index of each row's choice) of scenes that the same words could mean; None where there
    are too few, or nothing is open. tokens: N x P x 32."""
    every = sorted(set(choices))
    if len(choices) < _ALIKE_LEAST or len(every) < 2:
        return None
    index = {choice: i for i, choice in enumerate(every)}
    sign = _signs(tokens, choices)
    full = torch.stack([sign(choice) for choice in every])
    full = full - full.mean(0)
    _, values, basis = torch.linalg.svd(full, full_matrices=False)
    basis = basis[values > 1e-3 * values[0]]
    rows = torch.tensor([index[choice] for choice in choices])
    shares = torch.bincount(rows, minlength=len(every)) / len(rows)
    signs = full @ basis.T
    prices = _fit_prices(signs, shares, torch.Generator().manual_seed(0))
    return Open(basis, signs, prices), rows


class Transport:
    """Ties noise to the subjects of a pool, of which `tokens` are P x 32 each. Edits and clips leave
    nothing open: their given pictures say it."""

    def __init__(self, subjects, tokens):
        self.shapes = [each.shape for each in tokens]
        self.tie = [None] * len(subjects)  # (Open, choice) of each that leaves something open
        alike = defaultdict(list)
        for row, subject in enumerate(subjects):
            if isinstance(subject, Scene):
                alike[said(subject)].append(row)
        for rows in alike.values():
            made = open_choices(
                torch.stack([tokens[row] for row in rows]), [chosen(subjects[row]) for row in rows]
            )
            if made:
                for row, choice in zip(rows, made[1].tolist()):
                    self.tie[row] = made[0], choice

    def noise(self, row):
        """Noise P x 32 that goes with a subject."""
        noise = torch.randn(self.shapes[row])
        if self.tie[row] is None:
            return noise
        open_, choice = self.tie[row]
        return open_.tied(noise, choice)

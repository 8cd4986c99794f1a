"""A pool's files: scenes, edits or clips beside their tokens."""

import os
from dataclasses import dataclass

import torch


@dataclass
class Group:
    """Subjects of one kind and one grid.

    made: the tokens to make, float16, subjects x tokens x 32; given: clean ones, or None. For
    clips, tokens of later frames follow those of earlier ones. `times` and `given_times` are the
    places on the time axis of each picture.
    """

    grid: tuple  # (rows, columns)
    subjects: list
    made: torch.Tensor
    times: tuple = (0,)
    given: torch.Tensor | None = None
    given_times: tuple = ()


def save_shard(groups, path):
    """Writes a shard whole or not at all."""
    part = path.with_suffix(".part")
    torch.save(groups, part)
    os.replace(part, path)


def load_shard(path):
    return torch.load(path, weights_only=False)  # our own file: scenes are ordinary objects

"""A pool's files: scenes of one frame beside their tokens."""

import os
from dataclasses import dataclass

import torch

from training.frames import Frame


@dataclass
class Group:
    """Scenes of one frame and their tokens, float16, scenes x tokens x 32."""

    frame: Frame
    scenes: list
    tokens: torch.Tensor


def save_shard(groups, path):
    """Writes a shard whole or not at all."""
    part = path.with_suffix(".part")
    torch.save(groups, part)
    os.replace(part, path)


def load_shard(path):
    return torch.load(path, weights_only=False)  # our own file: scenes are ordinary objects

"""Training batches from a pool: tokens and prompt ids of one picture size and one prompt length."""

import random

import torch

from training.captions import caption
from training.prompts import PromptEncoder
from training.shards import load_shard

EMPTY = 0.10  # share of empty prompts, for guidance
WORDINGS = {"plain": 0.15, "rich": 0.70, "long": 0.15}
# Share of the drawn scenes that is used, by layout: what is learned first comes most often.
KEPT = {"single": 1.0, "pair": 0.9, "row": 0.6}
_LENGTH_STEP = 4  # prompts are padded to a multiple of this, so that fewer lengths wait


class Batches:
    """Draws scenes from all shards of a folder, with a new caption each time, and groups them by
    shape.

    Shards that appear later are taken up by `rescan`.
    """

    def __init__(self, folder, size, seed):
        self.folder, self.size, self.rng = folder, size, random.Random(seed)
        self.encode = PromptEncoder()
        self.known, self.rows = set(), []  # rows: (grid, scene, tokens float16)
        self.waiting = {}
        self.rescan()

    def rescan(self):
        for path in sorted(self.folder.glob("*.pt")):
            if path.name in self.known:
                continue
            self.known.add(path.name)
            for group in load_shard(path):
                self.rows += [
                    (group.frame.grid, scene, tokens)
                    for scene, tokens in zip(group.scenes, group.tokens)
                ]

    def _prompt(self, scene):
        if self.rng.random() < EMPTY:
            return self.encode("")
        wording = self.rng.choices(list(WORDINGS), list(WORDINGS.values()))[0]
        return self.encode(caption(scene, self.rng, wording))

    def next(self):
        """Tokens N x P x 32, ids N x T, real N x T (false where padded), the picture's grid (rows,
        columns).
        """
        while True:
            grid, scene, tokens = self.rng.choice(self.rows)
            if self.rng.random() > KEPT[scene.layout]:
                continue
            ids = self._prompt(scene)
            length = -(-len(ids) // _LENGTH_STEP) * _LENGTH_STEP
            queue = self.waiting.setdefault((grid, length), [])
            queue.append((tokens, ids))
            if len(queue) == self.size:
                del self.waiting[grid, length]
                return self._stack(queue, length), grid

    def _stack(self, queue, length):
        ids = torch.full((len(queue), length), self.encode.pad)
        real = torch.zeros(len(queue), length, dtype=torch.bool)
        for row, (_, prompt) in enumerate(queue):
            ids[row, : len(prompt)], real[row, : len(prompt)] = torch.tensor(prompt), True
        return torch.stack([tokens for tokens, _ in queue]).float(), ids, real

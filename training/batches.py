"""Training batches from a pool: tokens and prompt ids of one shape and one prompt length."""

import random
from collections import defaultdict
from dataclasses import dataclass

import torch

from training import captions, clips, edits, languages
from training.difficulty import Difficulty
from training.prompts import PromptEncoder
from training.shards import load_shard
from training.transport import Transport

EMPTY = 0.10  # share of empty prompts, for guidance
_LENGTH_STEP = 8  # prompts are padded to a multiple of this, so that fewer lengths wait
# Shares of wordings: at first the plain one, so that words find their meaning; other languages last.
WORDINGS = {
    "plain": {"plain": 0.75, "rich": 0.25, "long": 0.0},
    "rich": {"plain": 0.15, "rich": 0.70, "long": 0.15},
    "world": {"plain": 0.12, "rich": 0.63, "long": 0.15, "foreign": 0.10},
}


@dataclass(frozen=True)
class Shape:
    """Grid and times of the pictures to make, and times of the given ones."""

    grid: tuple
    times: tuple
    given_times: tuple


@dataclass
class Batch:
    shape: Shape
    subjects: list
    made: torch.Tensor  # N x P x 32
    noise: torch.Tensor  # N x P x 32, that goes with it
    given: torch.Tensor | None  # N x R x 32
    ids: torch.Tensor  # N x T
    real: torch.Tensor  # N x T, false where padded


def said(subject, rng, wordings):
    """A caption or instruction."""
    if isinstance(subject, edits.Edit):
        return edits.instruction(subject, rng)
    if isinstance(subject, clips.Clip):
        return clips.instruction(subject, rng)
    wording = rng.choices(list(wordings), list(wordings.values()))[0]
    if wording == "foreign":
        if languages.can_say(subject):
            return languages.caption(subject, rng.choice(list(languages.LANGUAGES)), rng)
        wording = "rich"
    return captions.caption(subject, rng, wording)


class Batches:
    """Draws subjects from all shards of a folder, each once before any comes again and hard ones
    more often, with new words each time; each batch of one shape. The n-th batches of all seeds
    have the same shape, so that processes that work side by side need equally long.

    Shards that appear later are taken up by `rescan`.
    """

    def __init__(self, folder, size, seed, wording="rich"):
        self.folder, self.size, self.rng = folder, size, random.Random(seed)
        self.wordings, self.encode = WORDINGS[wording], PromptEncoder()
        self.known, self.rows = set(), []  # rows: (shape, subject, made, given)
        self.transport, self.difficulty = None, Difficulty()
        self.count = 0  # of batches
        self.by_shape, self.order = {}, {}  # indices of rows, and those that are still to come
        self.waiting = {}  # (shape, length of prompt) -> what is not yet a batch
        self.rescan()

    def rescan(self):
        new = sorted(path for path in self.folder.glob("*.pt") if path.name not in self.known)
        for path in new:
            self.known.add(path.name)
            for group in load_shard(path):
                shape = Shape(group.grid, group.times, group.given_times)
                given = group.given if group.given is not None else [None] * len(group.made)
                self.rows += [
                    (shape, *row) for row in zip(group.subjects, group.made, given, strict=True)
                ]
        if new:
            _, subjects, made, _ = zip(*self.rows)
            self.transport = Transport(subjects, made)
            self.by_shape, self.order = defaultdict(list), defaultdict(list)
            for row, (shape, *_) in enumerate(self.rows):
                self.by_shape[shape].append(row)

    def _prompt(self, subject):
        if self.rng.random() < EMPTY:
            return self.encode("")
        return self.encode(said(subject, self.rng, self.wordings))

    def _draw(self, shape):
        """Index of the next row of a shape."""
        order, rows = self.order[shape], self.by_shape[shape]
        while True:
            if not order:
                order += self.rng.sample(rows, len(rows))
            row = order.pop()
            if self.rng.random() < self.difficulty.chance(self.rows[row][1]):
                return row

    def next(self):
        self.count += 1
        shares = [len(rows) for rows in self.by_shape.values()]
        (shape,) = random.Random(self.count).choices(list(self.by_shape), shares)
        while True:
            row = self._draw(shape)
            _, subject, made, given = self.rows[row]
            ids = self._prompt(subject)
            length = -(-len(ids) // _LENGTH_STEP) * _LENGTH_STEP
            queue = self.waiting.setdefault((shape, length), [])
            queue.append((subject, made, self.transport.noise(row), given, ids))
            if len(queue) == self.size:
                del self.waiting[shape, length]
                return self._stack(shape, queue, length)

    def _stack(self, shape, queue, length):
        ids = torch.full((len(queue), length), self.encode.pad)
        real = torch.zeros(len(queue), length, dtype=torch.bool)
        for row, (*_, prompt) in enumerate(queue):
            ids[row, : len(prompt)], real[row, : len(prompt)] = torch.tensor(prompt), True
        subjects, made, noise, given, _ = zip(*queue)
        return Batch(
            shape,
            subjects,
            torch.stack(made).float(),
            torch.stack(noise),
            torch.stack(given).float() if shape.given_times else None,
            ids,
            real,
        )

"""Training batches from a pool: tokens and prompt ids of one shape and one prompt length.

Each sample goes the way of the sampler, from pure noise over all its steps, and the model that is
trained makes its steps itself: what it meets when it draws, mistakes of earlier steps included, is
what it learns on. (Mixtures of noise and the true picture instead teach it to believe whatever a
noisy picture shows, and it then believes its own first guess.)
"""

import random
from collections import defaultdict
from dataclasses import dataclass

import torch

from training import captions, clips, edits, languages
from training.difficulty import Difficulty
from training.prompts import PromptEncoder
from training.sample import noise_levels
from training.shards import load_shard
from training.transport import Transport

EMPTY = 0.05  # share of empty prompts, for guidance
STEPS = (4, 6, 6, 8)  # of the sampler, one of these for each sample
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


@dataclass(eq=False)
class Sample:
    """A subject on its way from noise to its picture."""

    shape: Shape
    subject: object
    made: torch.Tensor  # P x 32, where it should arrive
    given: torch.Tensor | None  # R x 32
    ids: list
    x: torch.Tensor  # P x 32, where it is
    levels: list  # noise levels, its own first, 0 last

    @property
    def key(self):
        """What all samples of a batch have in common: shape and length of the padded prompt."""
        return self.shape, -(-len(self.ids) // _LENGTH_STEP) * _LENGTH_STEP


class Batch:
    """Samples of one key as tensors: made and x N x P x 32, given N x R x 32 or None, ids N x T and
    whether they are real, now and then (the noise levels) N."""

    def __init__(self, samples, pad):
        self.samples = samples
        self.shape, length = samples[0].key
        self.ids = torch.full((len(samples), length), pad)
        self.real = torch.zeros(len(samples), length, dtype=torch.bool)
        for row, sample in enumerate(samples):
            self.ids[row, : len(sample.ids)] = torch.tensor(sample.ids)
            self.real[row, : len(sample.ids)] = True
        self.made = torch.stack([sample.made for sample in samples]).float()
        self.x = torch.stack([sample.x for sample in samples])
        self.given = None
        if self.shape.given_times:
            self.given = torch.stack([sample.given for sample in samples]).float()
        levels = torch.tensor([sample.levels[:2] for sample in samples])
        self.now, self.then = levels.T.contiguous()

    @property
    def subjects(self):
        return [sample.subject for sample in self.samples]


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
        self.waiting = defaultdict(list)  # key -> samples that are not in a batch
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

    def _begin(self, shape):
        """The next subject of a shape, at pure noise."""
        row = self._draw(shape)
        _, subject, made, given = self.rows[row]
        levels = noise_levels(self.rng.choice(STEPS)).tolist()
        return Sample(
            shape, subject, made, given, self._prompt(subject), self.transport.noise(row), levels
        )

    def next(self):
        self.count += 1
        shares = [len(rows) for rows in self.by_shape.values()]
        (shape,) = random.Random(self.count).choices(list(self.by_shape), shares)
        while True:
            sample = self._begin(shape)
            queue = self.waiting[sample.key]
            queue.append(sample)
            if len(queue) >= self.size:
                taken, queue[:] = queue[: self.size], queue[self.size :]
                return Batch(taken, self.encode.pad)

    def go_on(self, batch, velocity):
        """Takes a batch back: each of its samples makes a step and waits for its next batch."""
        x = batch.x + (batch.then - batch.now)[:, None, None] * velocity
        for sample, at in zip(batch.samples, x):
            sample.x, sample.levels = at, sample.levels[1:]
            if len(sample.levels) > 1:
                self.waiting[sample.key].append(sample)

"""A small network that reads a picture's facts, trained on renders with exact labels.

    python -m training.recogniser --minutes 60 --out FILE

It sees a picture at sixteen pixels per token and says for each token whether the middle of a thing
lies there, of what kind and in what colour; and for the whole picture where, when and in what
style. It forgives ragged outlines; the eye must judge those.
"""

import argparse
import random
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image

from training import autoencoder
from training.artwork import COLOURS, KINDS
from training.frames import FRAMES, SMALL, SQUARE
from training.picture import draw
from training.prefetch import prefetch
from training.run import Run, RunningMean
from training.scene import INDOORS, SETTINGS, STYLES, TIMES, WEATHERS, Mix, sample_scene

PIXELS = 16  # of a token's side, as the network sees it
_KINDS, _COLOURS = tuple(KINDS), (None, *COLOURS)
_SCENE_HEADS = {
    "setting": SETTINGS,
    "time": TIMES,
    "weather": WEATHERS,
    "backdrop": tuple(COLOURS),
    "style": STYLES,
}
MIX = Mix(pairs=0.3, rows=0.2, groups=0.2, empty=0.03, styled=0.35, held_out="any")
_GRIDS = ((SMALL.grid, 0.6), (SQUARE.grid, 0.2), (None, 0.2))  # None: another ratio
_SEEN = 0.5  # certainty from which on a thing counts
_UNKNOWN = -1
_WIDTH = 192
COLOURLESS = ("sketch", "neon", "blueprint", "sepia")  # styles in which colours cannot be read


class _Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm, self.inner = nn.BatchNorm2d(width), nn.BatchNorm2d(width)

    def forward(self, x):
        return x + self.second(F.relu(self.inner(self.first(F.relu(self.norm(x))))))


def _down(a, b):
    return nn.Sequential(
        nn.Conv2d(a, b, 3, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU(inplace=True)
    )


class Recogniser(nn.Module):
    """Pictures N x 3 x 16 rows x 16 columns in -1..1 -> scores of each head: maps of answers per
    token for things, one row of answers for the scene.
    """

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            _down(3, 32), _down(32, 64), _down(64, 128), _down(128, _WIDTH),
            *[_Block(_WIDTH) for _ in range(4)], nn.BatchNorm2d(_WIDTH), nn.ReLU(),
        )  # fmt: skip
        self.middle = nn.Conv2d(_WIDTH, 1, 1)
        self.kind = nn.Conv2d(_WIDTH, len(_KINDS), 1)
        self.colour = nn.Conv2d(_WIDTH, len(_COLOURS), 1)
        self.scene = nn.ModuleDict(
            {name: nn.Linear(_WIDTH, len(answers)) for name, answers in _SCENE_HEADS.items()}
        )

    def forward(self, x):
        h = self.body(x)
        mean = h.mean((2, 3))
        return {"middle": self.middle(h), "kind": self.kind(h), "colour": self.colour(h)} | {
            name: head(mean) for name, head in self.scene.items()
        }


# ---------------------------------------------------------------- reading
@dataclass(frozen=True)
class Seen:
    kind: str
    colour: str | None
    row: int  # token in which its middle lies
    column: int


@dataclass
class Reading:
    """What the recogniser sees in one picture; things from left to right."""

    scene: dict
    things: list


def shrunk(pixels):
    """Pixels N x 3 x 64 rows x 64 columns -> as the network sees them."""
    return F.avg_pool2d(pixels, 64 // PIXELS)


@torch.no_grad()
def read(net, pixels):
    """The Reading of a picture, 3 x H x W in -1..1 on whole tokens."""
    scores = net(shrunk(pixels[None]))
    heat = scores["middle"][0, 0].sigmoid()
    highest = F.max_pool2d(heat[None], 3, 1, 1)[0]
    things = [
        Seen(
            _KINDS[scores["kind"][0, :, row, column].argmax()],
            _COLOURS[scores["colour"][0, :, row, column].argmax()],
            row,
            column,
        )
        for row, column in ((heat == highest) & (heat > _SEEN)).nonzero().tolist()
    ]
    scene = {name: answers[scores[name][0].argmax()] for name, answers in _SCENE_HEADS.items()}
    return Reading(scene, sorted(things, key=lambda seen: seen.column))


# ---------------------------------------------------------------- training
def middle_of(thing):
    """(row, column) of the token in which a thing's middle lies."""
    return int(thing.y + thing.size / 2), int(thing.x + thing.size / 2)


def scene_facts(scene):
    """The right answers about the whole scene; None where there is none."""
    inside, plain = scene.setting in INDOORS, scene.setting == "plain"
    return {
        "setting": scene.setting,
        "time": None if inside else scene.time,
        "weather": None if inside else scene.weather,
        "backdrop": scene.backdrop if plain else None,
        "style": scene.style,
    }


def targets(scenes):
    """Right answers as numbers: maps per token for things, one number per scene for the rest."""
    rows, columns = scenes[0].rows, scenes[0].columns
    middle = torch.zeros(len(scenes), rows, columns)
    kind = torch.full((len(scenes), rows, columns), _UNKNOWN)
    colour = kind.clone()
    for i, scene in enumerate(scenes):
        for thing in scene.things:
            row, column = middle_of(thing)
            middle[i, row, column] = 1
            kind[i, row, column] = _KINDS.index(thing.kind)
            if scene.style not in COLOURLESS:
                colour[i, row, column] = _COLOURS.index(thing.colour)
    found = {"middle": middle, "kind": kind, "colour": colour}
    facts = [scene_facts(scene) for scene in scenes]
    for name, answers in _SCENE_HEADS.items():
        found[name] = torch.tensor(
            [answers.index(f[name]) if f[name] is not None else _UNKNOWN for f in facts]
        )
    return found


def loss_of(scores, wanted):
    heat = F.binary_cross_entropy_with_logits(
        scores["middle"][:, 0], wanted["middle"], pos_weight=torch.tensor(5.0)
    )
    known = [name for name in wanted if name != "middle" and (wanted[name] != _UNKNOWN).any()]
    return 5 * heat + sum(
        F.cross_entropy(scores[name], wanted[name], ignore_index=_UNKNOWN) for name in known
    )


class Renders:
    """Makes batches: scenes of one grid and their pictures, shrunk."""

    def __init__(self, seed, count):
        self.rng, self.count = random.Random(seed), count

    def __call__(self):
        grid = self.rng.choices([g for g, _ in _GRIDS], [share for _, share in _GRIDS])[0]
        grid = grid or self.rng.choice(list(FRAMES.values())).grid
        count = max(4, self.count * 64 // (grid[0] * grid[1]))
        scenes = [sample_scene(self.rng, grid, MIX) for _ in range(count)]
        size = grid[1] * PIXELS, grid[0] * PIXELS
        pictures = [
            np.asarray(Image.fromarray(draw(scene)).resize(size, Image.BOX)) for scene in scenes
        ]
        return scenes, np.stack(pictures)


def _roughen(x):
    """Noise, blur, other brightness: decoded pictures are no renders."""
    count = len(x)
    x = x + torch.randn_like(x) * 0.15 * torch.rand(count, 1, 1, 1)
    if torch.rand(()) < 0.4:
        x = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return x * (1 + 0.1 * torch.randn(count, 1, 1, 1)) + 0.05 * torch.randn(count, 3, 1, 1)


def train(net, run, batch, rate, seed, report_every=50, save_every=300):
    torch.manual_seed(seed)
    net = net.train().to(memory_format=torch.channels_last)
    adam = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-2)
    state = run.load()
    if state:
        net.load_state_dict(state["net"])
        adam.load_state_dict(state["adam"])
    shown = RunningMean()
    saved = lambda: {"net": net.state_dict(), "adam": adam.state_dict()}
    for scenes, pictures in prefetch(Renders(seed + run.samples, batch), depth=4):
        if run.over:
            break
        for group in adam.param_groups:
            group["lr"] = rate * run.rate()
        x = _roughen(autoencoder.to_pixels(pictures)).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            scores = net(x)
        loss = loss_of({name: score.float() for name, score in scores.items()}, targets(scenes))
        adam.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        adam.step()
        run.tick(len(scenes))
        shown.add(loss.item())
        if run.steps % report_every == 0:
            print(
                f"pictures {run.samples} spent {run.spent_s:.0f} s loss {shown.value:.3f}",
                flush=True,
            )
        if run.steps % save_every == 0:
            run.save(saved())
    run.save(saved())


def load(path):
    net = Recogniser()
    net.load_state_dict(torch.load(path)["net"])
    return net.eval()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, required=True, help="of all starts together")
    parser.add_argument("--decay", type=float, default=0.5)
    parser.add_argument("--batch", type=int, default=32, help="pictures of 512 x 512")
    parser.add_argument("--rate", type=float, default=2e-3, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--out", required=True)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    run = Run(args.out, args.minutes, args.decay)
    train(Recogniser(), run, args.batch, args.rate, args.seed)


if __name__ == "__main__":
    main()

"""A small network that reads a picture's facts, trained on renders with exact labels.

    python -m training.recogniser --steps 2500 --out FILE

It must choose one of the known kinds, so it forgives ragged outlines; training.outlines measures
those. It looks at squares as wide as the picture's short side, where a scene has the same scale in
every frame, and believes the square in which it is surest of a thing.
"""

import argparse
import math
import random
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from training import autoencoder
from training.frames import SQUARE, sample_frame
from training.picture import draw
from training.prefetch import prefetch
from training.scene import COLOURS, GROUND_SINKS, KINDS, SETTINGS, TIMES, Mix, sample_scene

SIDE = 64  # pixels of a square
_COLOURS = tuple(COLOURS)
_LAYOUTS = ("single", "pair", "row 2", "row 3", "row 4")
_SCENE_HEADS = {"setting": SETTINGS, "time": TIMES, "backdrop": _COLOURS}
_THING_HEADS = {
    "layout": _LAYOUTS,
    "first kind": KINDS,
    "first colour": _COLOURS,
    "second kind": KINDS,
    "second colour": _COLOURS,
}
_HEADS = _SCENE_HEADS | _THING_HEADS
_MIX, _SINGLE = Mix(pairs=0.40, rows=0.25, held_out="any"), Mix(held_out="any")
_SQUARE_STRIDE = 0.2  # of squares along a wide picture, in scene units
_UNKNOWN = -1
_REPORT_EVERY = 25  # steps
_THING_WIDTH = 160


class Recogniser(nn.Module):
    """Pictures N x 3 x 64 x 64 in -1..1 -> scores N x answers of each head."""

    def __init__(self):
        super().__init__()
        conv = lambda a, b, stride: nn.Sequential(
            nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU()
        )
        self.body = nn.Sequential(conv(3, 24, 2), conv(24, 48, 1), conv(48, 96, 2), conv(96, 96, 2))
        self.things = nn.Sequential(nn.Flatten(), nn.Linear(96 * 64, _THING_WIDTH), nn.ReLU())
        self.heads = nn.ModuleDict(
            {
                name: nn.Linear(_THING_WIDTH if name in _THING_HEADS else 96, len(answers))
                for name, answers in _HEADS.items()
            }
        )

    def forward(self, x):
        h = self.body(x)
        things, scene = self.things(h), h.mean((2, 3))
        return {
            name: head(things if name in _THING_HEADS else scene)
            for name, head in self.heads.items()
        }


def _layout(scene):
    return scene.layout if scene.layout != "row" else f"row {len(scene.things)}"


def answers(scene):
    """The right answer of each head; heads without one are left out."""
    plain = scene.setting == "plain"
    found = {
        "setting": scene.setting,
        "layout": _layout(scene),
        "first kind": scene.things[0].kind,
        "first colour": scene.things[0].colour,
    }
    found |= {"backdrop": scene.backdrop} if plain else {"time": scene.time}
    if scene.layout == "pair":
        found |= {"second kind": scene.things[1].kind, "second colour": scene.things[1].colour}
    return found


def squares(frame):
    """Corners (x, y) of the squares to look at, in scene units of the shown part.

    In tall pictures there is one: the one that lies on the ground as a square picture would.
    """
    width, height = frame.extent
    count = 1 + math.ceil((width - 1) / _SQUARE_STRIDE)
    return [
        ((width - 1) * i / max(count - 1, 1), (height - 1) * GROUND_SINKS) for i in range(count)
    ]


@dataclass
class Reading:
    """What the recogniser sees in one picture."""

    setting: str
    time: str
    backdrop: str
    layout: str
    things: list  # (colour, kind), left one first

    @property
    def scenery(self):
        return (self.setting, self.backdrop if self.setting == "plain" else self.time)


@torch.no_grad()
def read(net, shown, frame):
    """The Reading of a picture's shown part, 3 x H x W."""
    side = frame.unit
    corners = [(round(x * side), round(y * side)) for x, y in squares(frame)]
    cut = torch.stack([shown[:, y : y + side, x : x + side] for x, y in corners])
    scores = net(F.interpolate(cut, (SIDE, SIDE), mode="area"))
    certainty = lambda name: scores[name].softmax(1).max(1).values
    surest = (certainty("layout") * certainty("first kind") * certainty("first colour")).argmax()
    said = {name: _HEADS[name][score[surest].argmax()] for name, score in scores.items()}
    things = [(said[f"{which} colour"], said[f"{which} kind"]) for which in ("first", "second")]
    seen = things if said["layout"] == "pair" else things[:1]
    return Reading(said["setting"], said["time"], said["backdrop"], said["layout"], seen)


def _render_square(rng):
    """A scene and a 64 x 64 square of it that holds its thing: pairs and rows in square pictures,
    single things in all.
    """
    frame = sample_frame(rng)
    scene = sample_scene(rng, frame.extent, _MIX if frame == SQUARE else _SINGLE)
    shrink = frame.unit / SIDE
    picture = draw(scene, frame, shrink)
    middle = scene.things[0].x if scene.layout == "single" else 0.5
    x, y = min(squares(frame), key=lambda corner: abs(corner[0] + 0.5 - middle))
    margins = [(whole - part) / 2 for whole, part in zip(frame.canvas, (frame.width, frame.height))]
    left, top = (round(margin / shrink + at * SIDE) for margin, at in zip(margins, (x, y)))
    left, top = min(left, picture.shape[1] - SIDE), min(top, picture.shape[0] - SIDE)
    return scene, picture[top : top + SIDE, left : left + SIDE]


def _render(rng, count):
    scenes, pixels = zip(*(_render_square(rng) for _ in range(count)))
    return scenes, autoencoder.to_pixels([np.ascontiguousarray(p) for p in pixels])


def _roughen(x, step):
    """Noise, blur, other brightness: decoded pictures are no renders."""
    count = len(x)
    if step % 2:
        x = x + torch.randn_like(x) * 0.12 * torch.rand(count, 1, 1, 1)
    if step % 3 == 0:
        x = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return x * (1 + 0.1 * torch.randn(count, 1, 1, 1)) + 0.05 * torch.randn(count, 3, 1, 1)


def _targets(scenes):
    right = [answers(scene) for scene in scenes]
    return {
        name: torch.tensor([known.index(r[name]) if name in r else _UNKNOWN for r in right])
        for name, known in _HEADS.items()
    }


def train(net, steps, batch=48, rate=3e-3, seed=77):
    torch.manual_seed(seed)
    rng, net = random.Random(seed), net.to(memory_format=torch.channels_last)
    adam = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, rate, total_steps=steps, pct_start=0.1)
    for step, (scenes, x) in enumerate(prefetch(lambda: _render(rng, batch), steps), 1):
        wanted, got = (
            _targets(scenes),
            net(_roughen(x, step).contiguous(memory_format=torch.channels_last)),
        )
        loss = sum(
            F.cross_entropy(got[name], wanted[name], ignore_index=_UNKNOWN)
            for name in _HEADS
            if (wanted[name] != _UNKNOWN).any()
        )
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        schedule.step()
        if step % _REPORT_EVERY == 0:
            print(f"step {step} loss {loss.item():.3f}", flush=True)
    return net


def load(path):
    net = Recogniser()
    net.load_state_dict(torch.load(path))
    return net.eval()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--init", help="recogniser to go on from")
    parser.add_argument("--rate", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--out", required=True)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    net = load(args.init) if args.init else Recogniser()
    torch.save(train(net.train(), args.steps, args.batch, args.rate).state_dict(), args.out)


if __name__ == "__main__":
    main()

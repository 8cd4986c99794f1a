"""Prompt fidelity and outlines of a model, on fixed prompts.

    python -m training.score --checkpoint FILE --vae FILE --recogniser FILE [--groups single,pair]
    python -m training.score --ceiling --vae FILE --recogniser FILE

The ceiling is the same score for renders of the prompts' own scenes, and for those after a round
trip through the autoencoder: no sampler can do better than the latter.
"""

import argparse
import itertools
import json
import random
import time
from dataclasses import dataclass

import numpy as np
import torch

from training import autoencoder, outlines, paperland, recogniser
from training.captions import caption
from training.frames import FRAMES, SQUARE, Frame
from training.picture import draw
from training.prompts import PromptEncoder
from training.sample import Settings, pictures, sample
from training.scene import Mix, sample_scene
from training.words import COUNT_WORDS, KIND_WORDS, SETTING_WORDS, TIME_WORDS


@dataclass(frozen=True)
class Group:
    """A kind of prompt; `outlines`: how many pictures are measured against the ideal shape."""

    count: int
    mix: Mix = Mix()
    frame: Frame = SQUARE
    wording: str = "rich"
    outlines: int = 0


GROUPS = {
    "single": Group(288, outlines=96),
    "new looks": Group(96, Mix(held_out="only"), outlines=48),
    "long prompts": Group(96, wording="long"),
    "16:9": Group(96, frame=FRAMES["16:9"], outlines=32),
    "9:16": Group(96, frame=FRAMES["9:16"], outlines=32),
    "2:1": Group(48, frame=FRAMES["2:1"]),
    "2:3": Group(48, frame=FRAMES["2:3"]),
    "pair": Group(192, Mix(pairs=1)),
    "new pairs": Group(96, Mix(pairs=1, held_out="only")),
    "row": Group(144, Mix(rows=1)),
}


# ---------------------------------------------------------------- prompts
def _says_all(scene, text):
    """Whether a caption names every fact of its scene, sides included."""
    text = text.lower()
    says = lambda words: any(word in text for word in words)
    named = all(thing.colour in text and says(KIND_WORDS[thing.kind]) for thing in scene.things)
    if scene.setting == "plain":
        named = named and f"{scene.backdrop} " in text.replace(f"{scene.things[0].colour} ", "", 1)
    else:
        named = named and says(SETTING_WORDS[scene.setting]) and says(TIME_WORDS[scene.time])
    if scene.layout == "pair":
        named = named and says(("left", "right"))
    return named and (scene.layout != "row" or says(COUNT_WORDS[len(scene.things)]))


def prompts(group, seed=4242):
    """Fixed (scene, prompt) pairs."""
    rng, found = random.Random(seed), []
    while len(found) < group.count:
        scene = sample_scene(rng, group.frame.extent, group.mix)
        text = next(
            (
                text
                for text in (caption(scene, rng, group.wording) for _ in range(50))
                if _says_all(scene, text)
            ),
            None,
        )
        if text:
            found.append((scene, text))
    return found


# ---------------------------------------------------------------- judging
def judge(scene, reading):
    """Which facts of a scene a reading has right."""
    right = recogniser.answers(scene)
    scenery = (scene.setting, scene.backdrop if scene.setting == "plain" else scene.time)
    wanted = [thing.look for thing in scene.things[: len(reading.things)]]
    kinds, colours = ([look[i] for look in reading.things] for i in (1, 0))
    facts = {
        "setting": reading.setting == scene.setting,
        "time": reading.scenery == scenery,
        "count": reading.layout == right["layout"],
        "kind": sorted(kinds) == sorted(look[1] for look in wanted),
        "colour": sorted(colours) == sorted(look[0] for look in wanted),
    }
    facts["any side"] = (
        facts["time"] and facts["count"] and sorted(reading.things) == sorted(wanted)
    )
    facts["all"] = facts["any side"] and reading.things == wanted
    return facts


class Tally:
    """Judges pictures one by one and sums up."""

    def __init__(self, net, group):
        self.net, self.group = net, group
        self.rows, self.shapes, self.faint = [], [], 0

    def add(self, scene, pixels):
        """pixels: a whole canvas, 3 x H x W in -1..1."""
        frame = self.group.frame
        self.rows.append(judge(scene, recogniser.read(self.net, frame.cut(pixels), frame)))
        if len(self.rows) <= self.group.outlines:
            picture = ((pixels.permute(1, 2, 0) + 1) * 127.5).round().byte().numpy()
            outline = outlines.compare(scene, frame, np.ascontiguousarray(picture))
            if outline is None:
                self.faint += 1
            else:
                self.shapes.append(outline)

    def summary(self):
        found = {
            name: round(float(np.mean([row[name] for row in self.rows])), 3)
            for name in self.rows[0]
        }
        found["pictures"] = len(self.rows)
        if self.shapes:
            distances = [shape.distance for shape in self.shapes]
            found |= {
                "outline px": round(float(np.mean(distances)), 1),
                "outline px median": round(float(np.median(distances)), 1),
                "overlap": round(float(np.mean([shape.overlap for shape in self.shapes])), 3),
                "outlines": len(self.shapes),
                "too faint": self.faint,
            }
        return found


def score_model(net, vae, encode, judge_net, group, settings):
    test, grid = prompts(group), group.frame.grid
    tokens = sample(net, encode, [text for _, text in test], range(len(test)), grid, settings)
    tally = Tally(judge_net, group)
    for (scene, _), pixels in zip(test, pictures(vae, tokens, grid, torch.bfloat16)):
        tally.add(scene, pixels)
    return tally.summary()


@torch.no_grad()
def score_ceiling(vae, judge_net, group):
    """Summaries of renders and of renders after the autoencoder."""
    render, trip = Tally(judge_net, group), Tally(judge_net, group)
    for scene, _ in prompts(group):
        pixels = autoencoder.to_pixels([draw(scene, group.frame)])
        render.add(scene, pixels[0])
        trip.add(scene, autoencoder.decode(vae, autoencoder.encode(vae, pixels)).clamp(-1, 1)[0])
    return render.summary(), trip.summary()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint")
    parser.add_argument("--weights", choices=["ema", "raw"], default="ema")
    parser.add_argument("--vae", required=True)
    parser.add_argument("--recogniser", required=True)
    parser.add_argument("--groups", default=",".join(GROUPS))
    parser.add_argument("--steps", default="4", help="one or more, by comma")
    parser.add_argument("--guidance", default="2", help="one or more, by comma")
    parser.add_argument("--ceiling", action="store_true")
    parser.add_argument("--limit", type=int, help="at most so many pictures of each group")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    vae = autoencoder.load(args.vae).to(memory_format=torch.channels_last)
    judge_net, encode = recogniser.load(args.recogniser), PromptEncoder()
    net = None if args.ceiling else paperland.load(args.checkpoint, args.weights)
    for name in args.groups.split(","):
        group = GROUPS[name]
        if args.limit:
            group = Group(
                min(args.limit, group.count),
                group.mix,
                group.frame,
                group.wording,
                min(args.limit, group.outlines),
            )
        start = time.time()
        if args.ceiling:
            for what, found in zip(
                ("renders", "round trips"), score_ceiling(vae, judge_net, group)
            ):
                print(f"{name}, {what}: {json.dumps(found)}", flush=True)
            continue
        for steps, guidance in itertools.product(args.steps.split(","), args.guidance.split(",")):
            found = score_model(
                net, vae, encode, judge_net, group, Settings(int(steps), float(guidance))
            )
            print(
                f"{name}, {steps} steps, guidance {guidance}: {json.dumps(found)} "
                f"({time.time() - start:.0f} s)",
                flush=True,
            )


if __name__ == "__main__":
    main()

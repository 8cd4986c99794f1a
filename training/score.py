"""Prompt fidelity of a model, on fixed prompts that training never draws.

    python -m training.score --weights FOLDER [--kinds 60] [--groups single,pair]
    python -m training.score --ceiling --weights FOLDER

The ceiling is the same score for renders of the prompts' own scenes, and for those after a round
trip through the autoencoder: no sampler can do better than the latter.
"""

import argparse
import itertools
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from training import autoencoder, clips, edits, languages, paperland, pool, recogniser
from training.artwork import KINDS
from training.captions import caption
from training.finish import finished
from training.frames import FRAMES, SMALL, SQUARE, TOKEN
from training.paths import WEIGHTS
from training.picture import draw
from training.prompts import PromptEncoder
from training.sample import Given, Settings, pictures, sample
from training.scene import (
    HELD_OUT_LOOKS,
    SINGLES,
    STAGES,
    STYLES,
    Mix,
    kinds_of_stage,
    only,
    sample_scene,
)
from training.words import (
    COLOUR_WORDS,
    COUNT_WORDS,
    SETTING_WORDS,
    STYLE_PREFIXES,
    STYLE_SUFFIXES,
    TIME_WORDS,
    WEATHER_WORDS,
)

_SEED = 4242
_KEPT_DB = 3  # an edit may lose so much against the round trip where nothing should change


@dataclass(frozen=True)
class Group:
    """A kind of prompt."""

    count: int
    mix: Mix = SINGLES
    ratio: str = "1:1"
    wording: str = "rich"
    language: str | None = None


_NONE = Mix(0, 0, 0, 0, 0)
GROUPS = {
    "single": Group(327),
    "new looks": Group(96, replace(_NONE, held_out="only")),
    "pair": Group(192, only(_NONE, pairs=1.0)),
    "row": Group(144, only(_NONE, rows=1.0)),
    "three or four": Group(96, only(_NONE, groups=1.0)),
    "style": Group(96, only(_NONE, styled=1.0)),
    "long prompts": Group(96, wording="long"),
    "nothing known": Group(48, only(_NONE, empty=1.0)),
}
GROUPS |= {ratio: Group(48, ratio=ratio) for ratio in FRAMES}
GROUPS |= {code: Group(60, language=code) for code in languages.LANGUAGES}


# ---------------------------------------------------------------- prompts
def _says(text, words):
    return any(word in text for word in words)


def says_all(scene, text):
    """Whether a caption names every fact of its scene, sides included."""
    text = text.lower()
    for thing in scene.things:
        if scene.layout != "row" and not _says(text, KINDS[thing.kind].words):
            return False
        if thing.colour and not _says(text, COLOUR_WORDS[thing.colour]):
            return False
    if scene.setting == "plain":
        if not _says(text, [f"{word} {what}" for word in COLOUR_WORDS[scene.backdrop]
                            for what in ("background", "backdrop", "wall")]):  # fmt: skip
            return False
    elif not _says(text, SETTING_WORDS[scene.setting]):
        return False
    outdoors = scene.setting not in ("plain", "room", "stars")
    if outdoors and not _says(text, TIME_WORDS[scene.time]):
        return False
    if outdoors and scene.weather != "clear" and not _says(text, WEATHER_WORDS[scene.weather]):
        return False
    if scene.style != "flat" and not _says(
        text, [w.strip(", ") for w in STYLE_PREFIXES[scene.style] + STYLE_SUFFIXES[scene.style]]
    ):
        return False
    if scene.layout == "pair" and scene.relation == "left" and not _says(text, ("left", "right")):
        return False
    return scene.layout != "row" or _says(text, COUNT_WORDS[len(scene.things)])


def _scenes(rng, group, grid, kinds, count):
    """Scenes without end; single things go through all kinds, or through `count` of them that are
    spread over all.
    """
    step = max(1, len(kinds) // count)
    kinds_in_turn = itertools.cycle(kinds[::step])
    while True:
        mix = replace(group.mix, kinds=kinds)
        single = group.mix == SINGLES
        if single:
            mix = replace(mix, kinds=(next(kinds_in_turn),))
        if mix.held_out == "only" and not any(k in kinds for _, k in HELD_OUT_LOOKS):
            return
        yield sample_scene(rng, grid, mix)


def _prompt(scene, group, rng):
    """A caption that names every fact, or None."""
    if group.language:
        return languages.caption(scene, group.language, rng)
    if scene.layout == "empty":
        return caption(scene, rng, group.wording)
    texts = (caption(scene, rng, group.wording) for _ in range(60))
    return next((text for text in texts if says_all(scene, text)), None)


def _frame(ratio, square):
    """The frame of a ratio with about as many pixels as a square one."""
    return FRAMES[ratio].within(square.width * square.height)


def prompts(group, square, kinds, limit=None):
    """Fixed (scene, prompt) pairs that name every fact."""
    rng, found = random.Random(_SEED), []
    count = len(kinds) if group is GROUPS["single"] else group.count
    count = min(count, limit or count)
    for scene in _scenes(rng, group, _frame(group.ratio, square).grid, kinds, count):
        text = _prompt(scene, group, rng)
        if text:
            found.append((scene, text))
        if len(found) == count:
            break
    return found


# ---------------------------------------------------------------- judging
def _placed(scene, things):
    """Whether two things that were read stand as the scene's pair does."""
    one, other = (
        next(seen for seen in things if seen.kind == thing.kind) for thing in scene.things
    )
    if scene.relation == "left":
        return one.column < other.column
    return one.row < other.row


def judge(scene, reading):
    """Which facts of a scene a reading has right."""
    facts = {
        name: reading.scene[name] == right
        for name, right in recogniser.scene_facts(scene).items()
        if right is not None
    }
    wanted, seen = (
        Counter(thing.kind for thing in things) for things in (scene.things, reading.things)
    )
    facts["count"] = len(scene.things) == len(reading.things)
    facts["kind"] = wanted == seen
    if scene.style not in recogniser.COLOURLESS:
        asked = Counter(thing.look for thing in scene.things if thing.colour)
        found = Counter((thing.colour, thing.kind) for thing in reading.things)
        facts["colour"] = asked <= found
    if scene.layout == "pair":
        facts["place"] = facts["kind"] and _placed(scene, reading.things)
    facts["things"] = all(facts.get(name, True) for name in ("count", "kind", "colour", "place"))
    facts["all"] = all(facts.values())
    return facts


def summary(rows):
    """Shares of right facts; a fact counts where it was asked for."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    found = {
        name: round(float(np.mean([row[name] for row in rows if name in row])), 3) for name in names
    }
    return found | {"pictures": len(rows)}


@dataclass
class Model:
    net: paperland.Paperland
    vae: torch.nn.Module
    encode: PromptEncoder
    kinds: tuple
    recognisers: dict = field(default_factory=dict)

    def read(self, pixels, styles=("flat",)):
        """The Reading of a picture that has one of these styles."""
        grid = tuple(side // TOKEN for side in pixels.shape[1:])
        if (grid, styles) not in self.recognisers:
            self.recognisers[grid, styles] = recogniser.Recogniser(grid, self.kinds, styles)
        return self.recognisers[grid, styles].read(pixels)


def _styles(group):
    return STYLES if group.mix.styled else ("flat",)


def score_group(model, group, square, settings, limit=None):
    test = prompts(group, square, model.kinds, limit)
    if not test:
        return {"pictures": 0}
    grid = _frame(group.ratio, square).grid
    texts = [text for _, text in test]
    tokens = sample(model.net, model.encode, texts, range(len(test)), grid, settings)
    made = pictures(model.vae, tokens, grid, torch.bfloat16)
    return summary(
        [judge(scene, model.read(p, _styles(group))) for (scene, _), p in zip(test, made)]
    )


@torch.no_grad()
def score_ceiling(model, group, square, limit=None):
    """Summaries of renders and of renders after the autoencoder."""
    renders, trips = [], []
    for scene, _ in prompts(group, square, model.kinds, limit):
        pixels = autoencoder.to_pixels([draw(scene)])
        trip = _round_trip(model.vae, pixels)
        renders.append(judge(scene, model.read(pixels[0], _styles(group))))
        trips.append(judge(scene, model.read(trip, _styles(group))))
    return summary(renders), summary(trips)


def _round_trip(vae, pixels):
    """One picture after the autoencoder, finished: 3 x H x W."""
    return finished(autoencoder.decode(vae, autoencoder.encode(vae, pixels)))[0]


def _decibels(a, b, where):
    return float(-10 * torch.log10((a - b)[:, where].square().mean() / 4))


@torch.no_grad()
def score_edits(model, frame, settings, count):
    """An edit is right when the recogniser reads the scene that it should make, and the part of the
    picture that should not change is within three decibels of the round trip.
    """
    rng, rows = random.Random(_SEED), []
    for i in range(count):
        operation = edits.OPERATIONS[i % len(edits.OPERATIONS)]
        edit = edits.sample_edit(rng, frame.grid, replace(SINGLES, kinds=model.kinds), operation)
        before = [draw(scene) for scene in edit.before]
        after = autoencoder.to_pixels([draw(edit.after)])
        tokens = pool.encode(model.vae, before).float().flatten(0, 1)[None]
        _, made_times, _, times = pool.pictures_of(edit)
        made = sample(
            model.net, model.encode, [edits.instruction(edit, rng)], [i], frame.grid, settings,
            Given(tokens, made_times, times),
        )  # fmt: skip
        (pixels,) = pictures(model.vae, made, frame.grid, torch.bfloat16)
        facts = judge(edit.after, model.read(pixels, STYLES))
        row = {"instruction": facts["all"]}
        same = (autoencoder.to_pixels(before[:1])[0] == after[0]).all(0)
        if edit.operation in ("recolour", "add", "remove", "replace", "move") and same.any():
            trip = _round_trip(model.vae, after)
            lost = _decibels(trip, after[0], same) - _decibels(pixels, after[0], same)
            row["kept"] = lost < _KEPT_DB
        row["all"] = all(row.values())
        rows.append(row | {edit.operation: row["all"]})
    return summary(rows)


def _stands_right(clip, reading):
    """Whether a thing was read within a token of where a clip of a single one leaves it."""
    if clip.frames[-1].layout != "single":
        return True
    row, column = recogniser.middle_of(clip.frames[-1].things[0])
    return any(abs(s.row - row) <= 1 and abs(s.column - column) <= 1 for s in reading.things)


@torch.no_grad()
def score_clips(model, frame, settings, count):
    """A clip is right when its last frame reads as it should, a single thing within one token of
    its place.
    """
    rng, rows = random.Random(_SEED), []
    for i in range(count):
        motion = clips.MOTIONS[i % len(clips.MOTIONS)]
        clip = clips.sample_clip(rng, frame.grid, replace(SINGLES, kinds=model.kinds), motion)
        _, _, given, times = pool.pictures_of(clip)
        tokens = pool.encode(model.vae, [draw(scene) for scene in given]).float()
        made = sample(
            model.net, model.encode, [clips.instruction(clip, rng)], [i], frame.grid, settings,
            Given(tokens, clips.PARTS[-1], times),
        )  # fmt: skip
        last = made[:, -tokens.shape[1] :]
        (pixels,) = pictures(model.vae, last, frame.grid, torch.bfloat16)
        reading = model.read(pixels, STYLES)
        right = judge(clip.frames[-1], reading)["all"] and _stands_right(clip, reading)
        rows.append({"all": right, motion: right})
    return summary(rows)


_CHANGES = {"edits": score_edits, "clips": score_clips}


def load_model(weights, kinds, checkpoint=None, vae=None):
    """Of a folder; a checkpoint and an autoencoder in training may stand in for the folder's."""
    net = paperland.load(checkpoint) if checkpoint else paperland.load_exported(weights)
    made = autoencoder.load(vae) if vae else autoencoder.load_exported(weights)
    return Model(
        net,
        made.to(memory_format=torch.channels_last),
        PromptEncoder(weights / "tokenizer"),
        kinds,
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--checkpoint", help="of train, instead of the folder's networks")
    parser.add_argument("--vae", help="of vae, instead of the folder's")
    parser.add_argument("--groups", default="single,new looks,pair,row,style,long prompts")
    parser.add_argument("--kinds", type=int, default=STAGES[-1])
    parser.add_argument("--side", type=int, choices=[512, 1024], default=1024, help="of squares")
    parser.add_argument("--steps", default="6", help="one or more, by comma")
    parser.add_argument("--guidance", default="1", help="one or more, by comma")
    parser.add_argument("--ceiling", action="store_true")
    parser.add_argument("--limit", type=int, help="at most so many pictures of each group")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = load_model(args.weights, kinds_of_stage(args.kinds), args.checkpoint, args.vae)
    square = SMALL if args.side == 512 else SQUARE
    for name in args.groups.split(","):
        if args.ceiling:
            both = score_ceiling(model, GROUPS[name], square, args.limit)
            for what, found in zip(("renders", "round trips"), both):
                print(f"{name}, {what}: {json.dumps(found)}", flush=True)
            continue
        for steps, guidance in itertools.product(args.steps.split(","), args.guidance.split(",")):
            start, settings = time.time(), Settings(int(steps), float(guidance))
            what, _, ratio = name.partition(" ")  # "edits", "clips 16:9"
            if what in _CHANGES:
                score = _CHANGES[what]
                found = score(model, _frame(ratio or "1:1", square), settings, args.limit or 66)
            else:
                found = score_group(model, GROUPS[name], square, settings, args.limit)
            print(
                f"{name}, {steps} steps, guidance {guidance}: {json.dumps(found)} "
                f"({time.time() - start:.0f} s)",
                flush=True,
            )


if __name__ == "__main__":
    main()

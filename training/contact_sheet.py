"""Draws fixed prompts, not picked, through the stock pipeline on one sheet; the n-th prompt has
seed n. Edits and clips are drawn with the training classes: the stock pipeline's autoencoder knows
no border shuffle.

    python -m training.contact_sheet --out docs/images/contact-sheet.jpg
    python -m training.contact_sheet --sheet edits --out docs/images/edits.jpg
"""

import argparse
import random
from dataclasses import replace
from pathlib import Path

import torch
from PIL import Image, ImageDraw

from training import autoencoder, clips, paperland
from training.captions import caption
from training.frames import FRAMES, SMALL
from training.paths import WEIGHTS
from training.pool import REFERENCE_TIME
from training.prompts import PromptEncoder
from training.sample import Given, pictures, sample
from training.scene import SINGLES, STAGES, kinds_of_stage, sample_scene
from training.stock import generate, load
from training.words import STYLE_PREFIXES

_GAP, _LABEL = 8, 30  # pixels
_PAPER, _INK = (250, 249, 246), (40, 40, 40)

_README = (
    "a red house in a meadow during the day",
    "a cat on the beach at sunset",
    "a rocket in space",
    "a yellow car to the left of a palm tree in the desert at sunset",
    "three penguins in the snow at night",
    "a robot on a plain yellow background",
    "a sailboat at sea in the morning",
    "a castle in the mountains at night",
    "a dog next to a bicycle in the city in the rain",
    "a unicorn in the forest in the morning",
    "an owl on top of a gift in a room",
    "a blue umbrella in the rain, on a city street in the evening",
    "two elephants in the desert at noon",
    "a slice of pizza on a plain red background",
    "a pixel art picture of a dragon in front of mountains at sunset",
    "a pencil sketch of a bus in the city",
    "a watercolour of a sunflower in a field during the day",
    "a neon sign of a guitar",
    "a blueprint of an airplane",
    "a paper cut-out of a fox in the snow",
    "an astronaut in outer space",
    "a green frog beside a mushroom in the woods",
    "a birthday cake and a balloon on a pink background",
    "a pumpkin, a ghost and an owl in the forest at night",
    "a whale in the ocean while it rains",
    "a turquoise bird above a cactus in the desert",
    "four strawberries on a white background",
    "a snowman in a snowy landscape while it snows",
    "an old sepia photo of a train in the countryside",
    "A quiet winter evening. A green house stands in a snowy landscape at dusk. The mood is calm "
    "and nothing else is in the picture.",
    "A close-up shot of a plant expert inside a greenhouse, soft sun rays, highly detailed",
    "a heart on a plain blue background",
)
_FRAMES = FRAMES | {"small": SMALL}


def _singles(count, kinds):
    """Prompts of one thing each, of kinds in turn."""
    rng = random.Random(999)
    mixes = [replace(SINGLES, kinds=(kind,)) for kind in kinds]
    scenes = [sample_scene(rng, SMALL.grid, mixes[i % len(mixes)]) for i in range(count)]
    return [caption(scene, rng, "rich") for scene in scenes]


# As many of those that are taken up after them, of all groups.
_LATER = kinds_of_stage(STAGES[-1])[STAGES[0] :: 4][: STAGES[0]]

# Of each sheet: (aspect ratio or "small", prompt).
SHEETS = {
    "first kinds": [
        ("small", prompt) for prompt in _singles(STAGES[0], kinds_of_stage(STAGES[0]))
    ],
    "later kinds": [("small", prompt) for prompt in _singles(STAGES[0], _LATER)],
    "readme": [("1:1", prompt) for prompt in _README],
    "shapes": [
        (ratio, prompt)
        for ratio in FRAMES
        if ratio != "1:1"
        for prompt in ("a red house in a meadow during the day", "a whale at sea at sunset")
    ],
    "styles": [
        ("1:1", prefix + thing)
        for prefix in (words[0] for words in STYLE_PREFIXES.values() if words)
        for thing in (
            "a castle in the mountains during the day",
            "a fish on a plain yellow background",
        )
    ],
    "hard": [
        ("1:1", prompt)
        for prompt in (
            "a cat on a sofa with a hat and a book",
            "six yellow cars in the desert at noon",
            "a photo of an astronaut riding a horse",
            "a house on top of a tree",
            "a skyline at night",
            "a purple house with a yellow roof at sunset",
            "a small white dog in the corner of a huge desert",
            "a red apple, a green pear, a banana and a blue book in a room",
            "the portrait of a king",
            "a dragon that breathes fire at a castle",
            "a steam train crossing a bridge over a river",
            "five octopuses on a plain white background",
            "a monkey with an umbrella in the rain in the jungle at night",
            "a clock that shows half past four",
            "an empty beach",
            "words on a wall",
        )
    ],
}
# Prompts of the pictures that are given, and what is asked for.
EDITS = (
    (("a house in a meadow during the day",), "make it night"),
    (("a red car in the desert at noon",), "paint the car blue"),
    (("a cat in a meadow",), "turn it into a pencil sketch"),
    (("a sailboat at sea in the morning",), "now with rain"),
    (("a dog to the left of a tree in the snow",), "remove the tree"),
    (("a fox in the forest during the day",), "put it on a beach"),
    (("a castle in the mountains during the day",), "add a dragon"),
    (("an apple on a plain white background",), "replace the apple with a banana"),
    (("a penguin in the snow at night",), "move the penguin to the left"),
    (("a bus in the city during the day",), "make it sunset"),
    (
        ("a lion in the desert", "a bicycle in a meadow"),
        "the lion of image 1 and the bicycle of image 2",
    ),
    (("a sunflower in a meadow",), "turn it into pixel art"),
)

# Prompts of first pictures, and what is to happen.
CLIPS = (
    ("a red car on the beach in the morning", "it starts to snow"),
    ("a house in a meadow during the day", "night falls"),
    ("a dog in the mountains at sunset", "it begins to rain"),
    ("a bus in the city during the day", "the bus drives to the left"),
    ("an octopus in a meadow", "the octopus moves to the right"),
    ("a rocket in the desert at noon", "the rocket takes off"),
    ("a meadow in the morning", "a castle appears"),
    ("a frog on a plain yellow background", "the frog grows"),
    ("a cat in the forest at sunset", "zoom out"),
    ("three penguins in the snow at night", "three penguins in the snow at night"),
)
_SHOWN = (2, 4, 6, 8)  # of a clip's frames


def _fitted(picture, side):
    """In the middle of a square of paper."""
    square = Image.new("RGB", (side, side), _PAPER)
    picture = picture.copy()
    picture.thumbnail((side, side), Image.LANCZOS)
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square


def _beside(pictures):
    whole = Image.new("RGB", (sum(p.width for p in pictures), pictures[0].height), _PAPER)
    for i, picture in enumerate(pictures):
        whole.paste(picture, (sum(p.width for p in pictures[:i]), 0))
    return whole


def _tile(pictures, text, side):
    tile = Image.new("RGB", (side * len(pictures), side + _LABEL), _PAPER)
    for i, picture in enumerate(pictures):
        tile.paste(_fitted(picture, side), (i * side, 0))
    pen = ImageDraw.Draw(tile)
    while pen.textlength(text) > tile.width - 4:
        text = text.removesuffix("...")[:-1] + "..."
    pen.text((2, side + 8), text, fill=_INK)
    return tile


def _sheet(tiles, columns):
    """Tiles of one size, row by row."""
    rows = -(-len(tiles) // columns)
    width, height = (side + _GAP for side in (tiles[0].size if tiles else (0, 0)))
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), _PAPER)
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (_GAP + i % columns * width, _GAP + i // columns * height))
    return sheet


def draw_sheet(stock, prompts, columns=4, side=256):
    """side: of each tile, in pixels."""
    return _sheet(
        [
            _tile([generate(stock, prompt, seed, _FRAMES[frame])], f"{seed} {prompt}", side)
            for seed, (frame, prompt) in enumerate(prompts)
        ],
        columns,
    )


class Drawing:
    """A folder's networks, which draw small squares, also of given ones."""

    def __init__(self, folder):
        self.net, self.vae = paperland.load_exported(folder), autoencoder.load_exported(folder)
        self.encode = PromptEncoder(folder / "tokenizer")

    def pixels(self, prompts, seeds, given=Given()):
        """Of each prompt, or of each frame where several are made: N x 3 x H x W."""
        grid = SMALL.grid
        made = sample(self.net, self.encode, prompts, seeds, grid, given=given)
        frames = made.view(-1, grid[0] * grid[1], made.shape[-1])
        return torch.stack(list(pictures(self.vae, frames, grid)))

    @torch.no_grad()
    def tokens(self, pixels):
        """Of all of them, one behind the other."""
        encoded = autoencoder.to_tokens(self.vae, autoencoder.encode(self.vae, pixels))
        return encoded.flatten(0, 1)[None]


def _shown(pixels):
    return Image.fromarray(
        ((pixels + 1) * 127.5).round().byte().permute(1, 2, 0).contiguous().numpy()
    )


def draw_edits(drawing, cases, columns=3, side=256):
    """Each tile what was given, which the model drew too, and what it made of it."""
    tiles = []
    for seed, (prompts, instruction) in enumerate(cases):
        before = drawing.pixels(prompts, range(seed, seed + len(prompts)))
        times = tuple(REFERENCE_TIME * (i + 1) for i in range(len(prompts)))
        given = Given(drawing.tokens(before), (0,), times)
        (after,) = drawing.pixels([instruction], [seed], given)
        whole = _beside([_shown(pixels) for pixels in before])
        tiles.append(_tile([whole, _shown(after)], f"{seed} {instruction}", side))
    return _sheet(tiles, columns)


def draw_clips(drawing, cases, columns=2, side=128):
    """Each tile the first picture, which the model drew too, and some of the frames behind it."""
    tiles = []
    for seed, (prompt, instruction) in enumerate(cases):
        first = drawing.pixels([prompt], [seed])
        frames = {0: first[0]}
        for times in clips.PARTS:
            made = drawing.pixels(
                [instruction], [seed + times[0]], Given(drawing.tokens(first), times, (0,))
            )
            frames |= dict(zip(times, made, strict=True))
        shown = [_shown(frames[time]) for time in (0, *_SHOWN)]
        tiles.append(_tile(shown, f"{seed} {instruction}", side))
    return _sheet(tiles, columns)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--sheet", choices=[*SHEETS, "edits", "clips"], default="readme")
    parser.add_argument("--columns", type=int, default=4)
    parser.add_argument("--side", type=int, default=256, help="of each tile, in pixels")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    if args.sheet == "edits":
        sheet = draw_edits(Drawing(args.weights), EDITS, args.columns, args.side)
    elif args.sheet == "clips":
        sheet = draw_clips(Drawing(args.weights), CLIPS, args.columns, args.side)
    else:
        sheet = draw_sheet(load(args.weights), SHEETS[args.sheet], args.columns, args.side)
    sheet.save(args.out, quality=90)  # of a JPEG: a PNG of so many colours is ten times as large


if __name__ == "__main__":
    main()

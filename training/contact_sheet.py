"""Draws fixed prompts, not picked, through the stock pipeline on one sheet; the n-th prompt has
seed n.

    python -m training.contact_sheet --weights FOLDER --out docs/images/contact-sheet.png
    python -m training.contact_sheet --weights FOLDER --sheet hard --out docs/images/hard.png
"""

import argparse
import random
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageDraw

from training.captions import caption
from training.frames import FRAMES, SMALL
from training.paths import SHIPPED
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


def _tile(picture, number, prompt, side):
    tile = Image.new("RGB", (side, side + _LABEL), _PAPER)
    picture.thumbnail((side, side), Image.LANCZOS)
    tile.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    pen, text = ImageDraw.Draw(tile), f"{number} {prompt}"
    while pen.textlength(text) > side - 4:
        text = text.removesuffix("...")[:-1] + "..."
    pen.text((2, side + 8), text, fill=_INK)
    return tile


def draw_sheet(stock, prompts, columns=4, side=256):
    """side: of each tile, in pixels."""
    tiles = [
        _tile(generate(stock, prompt, seed, _FRAMES[frame]), seed, prompt, side)
        for seed, (frame, prompt) in enumerate(prompts)
    ]
    rows = -(-len(tiles) // columns)
    width, height = side + _GAP, side + _LABEL + _GAP
    sheet = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP), _PAPER)
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (_GAP + i % columns * width, _GAP + i // columns * height))
    return sheet


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, default=SHIPPED)
    parser.add_argument("--sheet", choices=list(SHEETS), default="readme")
    parser.add_argument("--columns", type=int, default=4)
    parser.add_argument("--side", type=int, default=256, help="of each tile, in pixels")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    sheet = draw_sheet(load(args.weights), SHEETS[args.sheet], args.columns, args.side)
    sheet.quantize(256).save(args.out, optimize=True)


if __name__ == "__main__":
    main()

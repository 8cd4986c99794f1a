"""Draws fixed prompts, not picked, through the stock pipeline on one sheet; the n-th prompt has
seed n.

python -m training.contact_sheet --out docs/images/contact-sheet.png python -m
training.contact_sheet --sheet hard --out docs/images/hard.png
"""

import argparse
from pathlib import Path

from PIL import Image, ImageDraw

from training.frames import FRAMES
from training.stock import WEIGHTS, generate, load

_TILE, _GAP, _COLUMNS, _LABEL = 320, 8, 4, 30  # pixels
_PAPER, _INK = (250, 249, 246), (40, 40, 40)

# Of each sheet: (aspect ratio, prompt).
SHEETS = {
    "first": [
        ("1:1", prompt)
        for prompt in (
            "a red ball in a meadow during the day",
            "a blue house on the beach at sunset",
            "a pink flower in the snow at night",
            "a yellow car in the desert during the day",
            "a purple fish on a plain yellow background",
            "a green tree in a meadow at sunset",
            "a white mushroom in a meadow at night",
            "an orange umbrella on the beach during the day",
            "a red heart on a plain white background",
            "a blue star in the desert at night",
            "a yellow pyramid in the desert at sunset",
            "a green box in the snow during the day",
            "a drawing of a pink cottage in winter at dusk",
            "by the sea, a red automobile at noon",
            "a purple parasol in a grassy field in the moonlight",
            "a white sphere against a blue backdrop",
        )
    ],
    "readme": [
        ("1:1", prompt)
        for prompt in (
            "a red house in a meadow on a sunny day",
            "a white car to the left of a green tree in the desert at sunset",
            "three pink flowers in the snow at night",
            "a purple fish on a plain yellow background",
            "a yellow star on the beach at night",
            "an orange umbrella by the sea at noon",
            "a blue car next to a red house in winter at dusk",
            "a pink cottage under the moon, children's book style",
            "two green trees in a field at sunset",
            "a blue ball to the right of a yellow box against a white backdrop",
            "a white mushroom on the grass in the moonlight",
            "a red heart on a pink background",
            "a purple pyramid among sand dunes in the evening",
            "a pair of red mushrooms in a meadow during the day",
            "an orange flower and a blue umbrella on the beach at sunset",
            "A quiet winter evening. A green house stands in a snowy landscape at dusk. The mood "
            "is calm and nothing else is in the picture.",
        )
    ],
    "shapes": [
        (ratio, prompt)
        for ratio in ("16:9", "9:16", "4:3", "2:3")
        for prompt in (
            "a red house in a meadow on a sunny day",
            "a yellow car on the beach at sunset",
            "a pink flower in the snow at night",
            "a blue ball to the left of a white tree in the desert during the day",
        )
    ],
    "hard": [
        ("1:1", prompt)
        for prompt in (
            "four yellow cars in the desert at noon",
            "three blue fish on a plain white background",
            "four red balls in the snow at night",
            "a row of three purple umbrellas on the beach at sunset",
            "a red umbrella in a meadow at noon",
            "a green heart on a yellow background",
            "a purple car in the snow during the day",
            "a blue mushroom on the beach at night",
            "a cat on a sofa",
            "a house on top of a tree",
            "six green stars at night",
            "a black dog in a city street in the rain",
            "a red ball, a blue box and a green tree in a meadow",
            "a small white flower in the corner of a huge desert",
            "a purple house with a yellow roof at sunset",
            "a photo of an astronaut riding a horse",
        )
    ],
}


def _tile(picture, number, prompt):
    tile = Image.new("RGB", (_TILE, _TILE + _LABEL), _PAPER)
    picture.thumbnail((_TILE, _TILE), Image.LANCZOS)
    tile.paste(picture, ((_TILE - picture.width) // 2, (_TILE - picture.height) // 2))
    pen, text = ImageDraw.Draw(tile), f"{number} {prompt}"
    while pen.textlength(text) > _TILE - 4:
        text = text.removesuffix("...")[:-1] + "..."
    pen.text((2, _TILE + 8), text, fill=_INK)
    return tile


def draw_sheet(stock, prompts):
    tiles = [
        _tile(generate(stock, prompt, seed, FRAMES[ratio]), seed, prompt)
        for seed, (ratio, prompt) in enumerate(prompts)
    ]
    rows = -(-len(tiles) // _COLUMNS)
    width, height = _TILE + _GAP, _TILE + _LABEL + _GAP
    sheet = Image.new("RGB", (_COLUMNS * width + _GAP, rows * height + _GAP), _PAPER)
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (_GAP + i % _COLUMNS * width, _GAP + i // _COLUMNS * height))
    return sheet


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--sheet", choices=list(SHEETS), default="readme")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    draw_sheet(load(args.weights), SHEETS[args.sheet]).save(args.out, optimize=True)


if __name__ == "__main__":
    main()

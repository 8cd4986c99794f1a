"""Paperland's scenes: what there is and where.

Lengths are in units of the shown part's short side (see frames.py), x from its left edge, y from
its top edge.
"""

import math
from dataclasses import dataclass, field

COLOURS = {
    "red": (0.86, 0.16, 0.17),
    "orange": (0.96, 0.52, 0.11),
    "yellow": (0.99, 0.82, 0.16),
    "green": (0.13, 0.55, 0.26),
    "blue": (0.16, 0.38, 0.87),
    "purple": (0.50, 0.22, 0.70),
    "pink": (0.96, 0.50, 0.70),
    "white": (0.97, 0.97, 0.97),
}
KINDS = (
    "ball",
    "box",
    "pyramid",
    "star",
    "heart",
    "house",
    "tree",
    "car",
    "flower",
    "mushroom",
    "fish",
    "umbrella",
)
SETTINGS = ("meadow", "desert", "beach", "snow", "plain")
TIMES = ("day", "sunset", "night")

# Never drawn for training, so that a test on them is a test of new combinations.
HELD_OUT_LOOKS = frozenset(
    {
        ("red", "umbrella"),
        ("blue", "mushroom"),
        ("purple", "car"),
        ("green", "heart"),
        ("yellow", "house"),
        ("orange", "fish"),
    }
)
HELD_OUT_PAIRS = frozenset(
    {
        frozenset(p)
        for p in (
            ("box", "umbrella"),
            ("fish", "star"),
            ("heart", "mushroom"),
            ("flower", "pyramid"),
        )
    }
)

_HORIZON = (0.585, 0.635)
_BASE = (0.82, 0.87)  # the row on which things stand
_SINGLE_HALF = (0.20, 0.28)  # half of a single thing's size
_PAIR_HALF = (0.145, 0.175)
_PAIR_OFFSET = 0.25  # distance of a pair's members from the middle
_ROW_WIDTH = 1.35  # widest row of equal things
GROUND_SINKS = 0.72  # in tall pictures: share of the extra height that lies above the ground
_SKY_SINKS = 0.30  # ... and above the sun, moon and clouds


@dataclass(frozen=True)
class Thing:
    kind: str
    colour: str
    x: float  # its middle
    half: float  # half of its size

    @property
    def look(self):
        return self.colour, self.kind


@dataclass
class Scene:
    """`layout` is "single", "pair" (two different things, left one first) or "row" (two to four
    equal things).
    """

    setting: str
    time: str
    backdrop: str  # colour of the backdrop where the setting is plain
    horizon: float
    phase: float  # of the ground's waves, radians
    base: float
    light_left: bool  # sun or moon on the left
    drift: float  # of the clouds
    width: float  # extent of the shown part
    height: float
    layout: str = "single"
    things: list = field(default_factory=list)

    @property
    def ground_shift(self):
        return (self.height - 1) * GROUND_SINKS

    @property
    def sky_shift(self):
        return (self.height - 1) * _SKY_SINKS


@dataclass(frozen=True)
class Mix:
    """Shares of layouts; the rest are single things.

    held_out: what to do with looks and pairs that training must not see: "avoid" them (training),
    take them "only" (the test on new combinations), or treat them like "any" other (the
    recogniser).
    """

    pairs: float = 0.0
    rows: float = 0.0
    held_out: str = "avoid"


def _looks(rng, held_out):
    while True:
        look = rng.choice(list(COLOURS)), rng.choice(KINDS)
        if held_out == "any" or (look in HELD_OUT_LOOKS) == (held_out == "only"):
            return look


def _single(rng, scene, mix):
    colour, kind = _looks(rng, mix.held_out)
    jitter = 0.10 + 0.12 * (scene.width - 1)
    grow = min(1.25, 1 + 0.4 * (scene.height - 1))
    return [
        Thing(
            kind,
            colour,
            scene.width / 2 + rng.uniform(-jitter, jitter),
            rng.uniform(*_SINGLE_HALF) * grow,
        )
    ]


def _pair(rng, scene, mix):
    looks = "any" if mix.held_out == "any" else "avoid"
    while True:
        (first, left), (second, right) = _looks(rng, looks), _looks(rng, looks)
        new = frozenset((left, right)) in HELD_OUT_PAIRS
        if (
            first != second
            and left != right
            and (mix.held_out == "any" or new == (mix.held_out == "only"))
        ):
            break
    offset = min(_PAIR_OFFSET * scene.width, 0.42)
    grow = min(1.4, offset / _PAIR_OFFSET)
    place = lambda side: scene.width / 2 + side * offset + rng.uniform(-0.02, 0.02)
    half = lambda: rng.uniform(*_PAIR_HALF) * grow
    return [Thing(left, first, place(-1), half()), Thing(right, second, place(1), half())]


def _row(rng, scene, mix):
    colour, kind = _looks(rng, mix.held_out)
    count = rng.choice((2, 3, 4))
    slot = min(scene.width, _ROW_WIDTH) * 0.96 / count
    half = min(0.21, slot * rng.uniform(0.40, 0.46))
    first = scene.width / 2 - slot * (count - 1) / 2
    return [
        Thing(kind, colour, first + i * slot + rng.uniform(-0.01, 0.01), half) for i in range(count)
    ]


def sample_scene(rng, extent=(1.0, 1.0), mix=Mix()):
    """A random scene for a shown part of the given extent (width, height in units of its short
    side).
    """
    scene = Scene(
        setting=rng.choice(SETTINGS),
        time=rng.choice(TIMES),
        backdrop=rng.choice(list(COLOURS)),
        horizon=rng.uniform(*_HORIZON),
        phase=rng.uniform(0, 2 * math.pi),
        base=rng.uniform(*_BASE),
        light_left=rng.random() < 0.5,
        drift=rng.uniform(-0.06, 0.06),
        width=extent[0],
        height=extent[1],
    )
    pick = rng.random()
    scene.layout = (
        "pair" if pick < mix.pairs else "row" if pick < mix.pairs + mix.rows else "single"
    )
    scene.things = {"single": _single, "pair": _pair, "row": _row}[scene.layout](rng, scene, mix)
    return scene

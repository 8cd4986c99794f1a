"""Paperland's scenes: what there is and where, in tokens (64 pixels).

Things stand on whole tokens, so that an autoencoder gives (nearly) the same numbers wherever a
thing stands and the transformer learns each drawing once. What no caption says (where a single
thing stands, how large it is) varies little, and things face one way only: a small model that has
to guess makes half of one picture and half of another.
"""

from dataclasses import dataclass, field, replace

from training.artwork import COLOURS, KINDS

SETTINGS = (
    "meadow",
    "beach",
    "desert",
    "snow",
    "sea",
    "forest",
    "mountains",
    "city",
    "stars",
    "room",
    "plain",
)
TIMES = ("morning", "day", "sunset", "night")
WEATHERS = ("clear", "cloudy", "rain", "snowfall")
STYLES = ("flat", "pixel", "sketch", "watercolour", "neon", "cutout", "blueprint", "sepia")
INDOORS = ("room", "plain", "stars")  # settings without time and weather
RELATIONS = ("left", "above", "on")  # of a pair's first thing to its second

# The kinds in the order in which training takes them up: what people ask for first comes first.
_FIRST_KINDS = """
cat dog rabbit horse cow pig ewe bird owl penguin fish whale octopus turtle frog elephant
giraffe lion bear fox unicorn butterfly evergreen-tree deciduous-tree palm-tree cactus sunflower
tulip rose mushroom red-apple banana strawberry watermelon pizza birthday-cake hamburger
ice-cream automobile bus bicycle locomotive airplane rocket sailboat house castle tent umbrella
balloon wrapped-gift robot guitar crown red-heart star snowman crescent-moon astronaut ghost
""".split()
STAGES = (60, 150, len(KINDS))


def kinds_of_stage(count):
    """The first `count` kinds in the order of training."""
    later = [name for name in KINDS if name not in _FIRST_KINDS]
    # Every n-th of the rest, so that each stage has kinds of all groups.
    second = later[::3]
    third = [name for name in later if name not in second]
    return tuple((_FIRST_KINDS + second + third)[:count])


IN_THE_AIR = frozenset(
    """
    dove eagle butterfly honeybee bat airplane helicopter rocket flying-saucer parachute
    satellite balloon kite sun crescent-moon cloud rainbow star snowflake red-heart bird
    parrot dragon
    """.split()
)

# Never drawn for training, so that a test on them is a test of new combinations.
HELD_OUT_LOOKS = frozenset(
    {
        ("red", "umbrella"),
        ("blue", "mushroom"),
        ("purple", "automobile"),
        ("green", "red-heart"),
        ("yellow", "house"),
        ("orange", "fish"),
        ("pink", "bus"),
        ("turquoise", "tulip"),
        ("blue", "tent"),
        ("green", "balloon"),
        ("purple", "red-apple"),
        ("red", "bird"),
    }
)

SIZES = (3, 4, 6, 8, 10)  # tokens
_HALF_TOKEN = 0.04  # share of scenes off the grid, so that it does not become a law
_RECOLOURED = 0.6
_IN_SETTING = 0.75  # the rest have a plain backdrop


@dataclass(frozen=True)
class Thing:
    kind: str
    colour: str | None  # None: as the artwork has it
    x: float  # its left edge
    y: float  # its top edge
    size: int

    @property
    def look(self):
        return self.colour, self.kind


@dataclass(frozen=True)
class Scene:
    """`layout` is "single", "pair" (two different things that stand in `relation`), "row" (two to
    six equal things), "group" (three or four different things, left to right) or "empty".
    """

    rows: int
    columns: int
    setting: str
    time: str = "day"
    weather: str = "clear"
    backdrop: str = "white"  # colour of the backdrop where the setting is plain
    horizon: int = 5  # rows of tokens above the ground
    light_left: bool = True  # sun or moon on the left
    style: str = "flat"
    layout: str = "empty"
    relation: str = ""
    things: tuple = field(default_factory=tuple)


@dataclass(frozen=True)
class Mix:
    """What is drawn how often; shares of layouts, the rest are single things.

    held_out: what to do with looks that training must not see: "avoid" them (training), take them
    "only" (the test on new combinations), or treat them like "any" other (the autoencoder).
    """

    pairs: float = 0.30
    rows: float = 0.15
    groups: float = 0.10
    empty: float = 0.03
    styled: float = 0.40
    kinds: tuple = tuple(KINDS)
    held_out: str = "avoid"


SINGLES = Mix(0, 0, 0, 0, 0)


def only(mix, **shares):
    """A mix of the same kinds with the given shares and none of the others."""
    nothing = dict(pairs=0.0, rows=0.0, groups=0.0, empty=0.0, styled=0.0)
    return replace(mix, **(nothing | shares))


def sample_look(rng, mix):
    """(colour or None, kind)."""
    if mix.held_out == "only":
        return rng.choice(sorted(look for look in HELD_OUT_LOOKS if look[1] in mix.kinds))
    while True:
        kind = rng.choice(mix.kinds)
        colour = None
        if KINDS[kind].recolour and rng.random() < _RECOLOURED:
            colour = rng.choice(list(COLOURS))
        if mix.held_out == "any" or (colour, kind) not in HELD_OUT_LOOKS:
            return colour, kind


# ---------------------------------------------------------------- places
def _fitting(rng, height, width, shares):
    """One of the sizes that fit, by their shares."""
    fits = [size for size in shares if size <= min(height, width)]
    if not fits:
        return min(height, width)
    return rng.choices(fits, [shares[size] for size in fits])[0]


def _bottom(rng, scene, size, kind):
    """Row of a single thing's lower edge."""
    if scene.setting in ("plain", "stars"):
        return (scene.rows + size) // 2
    if kind in IN_THE_AIR and scene.setting != "room" and rng.random() < 0.8:
        return max(size, min(scene.rows - 1, scene.horizon + rng.randint(-1, 0)))
    lowest = scene.rows - (1 if size < scene.rows - 1 else 0)
    return max(size, min(lowest, scene.horizon + rng.randint(1, 2)))


def _single(rng, scene, mix):
    colour, kind = sample_look(rng, mix)
    short = min(scene.rows, scene.columns)
    shares = {4: 0.25, 6: 0.75} if short <= 9 else {6: 0.25, 8: 0.45, 10: 0.25}
    size = _fitting(rng, scene.rows, scene.columns, shares)
    spare = scene.columns - size
    x = max(0, min(spare, spare // 2 + rng.choice((-1, 0, 0, 1))))
    y = _bottom(rng, scene, size, kind) - size
    return "", [Thing(kind, colour, x, y, size)]


def _different(rng, mix, count):
    looks = []
    while len(looks) < count:
        look = sample_look(rng, mix)
        if look[1] not in [kind for _, kind in looks]:
            looks.append(look)
    return looks


def _line(rng, scene, looks, sizes):
    """Things side by side in the middle, on one ground line."""
    gap = 1 if sum(sizes) + len(sizes) - 1 <= scene.columns and rng.random() < 0.6 else 0
    total = sum(sizes) + gap * (len(sizes) - 1)
    spare = scene.columns - total
    x = rng.randint(spare // 3, spare - spare // 3) if spare > 0 else 0
    bottom = _bottom(rng, scene, max(sizes), "")
    things = []
    for (colour, kind), size in zip(looks, sizes):
        things.append(Thing(kind, colour, x, bottom - size, size))
        x += size + gap
    return things


def _pair(rng, scene, mix):
    looks = _different(rng, mix, 2)
    relation = rng.choices(RELATIONS, (0.6, 0.2, 0.2))[0]
    rows, columns = scene.rows, scene.columns
    if relation == "left":
        fits = [size for size in SIZES if 2 * size <= columns and size <= rows] or [columns // 2]
        sizes = [rng.choice(fits[-2:]) for _ in looks]
        return relation, _line(rng, scene, looks, sizes)
    fits = [size for size in SIZES if 2 * size <= rows and size <= columns] or [rows // 2]
    upper, lower = rng.choice(fits[-2:]), rng.choice(fits[-2:])
    if relation == "on":
        upper, lower = min(upper, lower), max(upper, lower)
    gap = 1 if relation == "above" and upper + lower < rows and rng.random() < 0.5 else 0
    top = (rows - upper - lower - gap + 1) // 2
    middle = columns // 2 + rng.randint(-1, 1)
    place = lambda size: max(0, min(columns - size, middle - size // 2))
    (first, second) = looks
    return relation, [
        Thing(first[1], first[0], place(upper), top, upper),
        Thing(second[1], second[0], place(lower), top + upper + gap, lower),
    ]


def _row(rng, scene, mix):
    look = sample_look(rng, mix)
    most = min(6, scene.columns // 2)
    count = rng.randint(2, max(2, most))
    # Rows of four and more take things two tokens wide where the picture is small.
    fits = [s for s in (2, *SIZES) if s * count <= scene.columns and s <= scene.rows]
    size = fits[-1] if fits else scene.columns // count
    return "", _line(rng, scene, [look] * count, [size] * count)


def _group(rng, scene, mix):
    count = rng.choice((3, 4)) if scene.columns >= 12 else 3
    fits = [s for s in (2, *SIZES) if s * count <= scene.columns and s <= scene.rows]
    sizes = [rng.choice(fits[-2:]) for _ in range(count)]
    return "", _line(rng, scene, _different(rng, mix, count), sizes)


def horizons(rows):
    """Where a ground may begin, in rows of tokens from the top."""
    return [rows - max(2, round(rows * share)) for share in (0.3, 0.4)]


def sample_scene(rng, grid=(8, 8), mix=Mix()):
    """A random scene for a picture of the given (rows, columns)."""
    rows, columns = grid
    setting = rng.choice(SETTINGS[:-1]) if rng.random() < _IN_SETTING else "plain"
    scene = Scene(
        rows=rows,
        columns=columns,
        setting=setting,
        time=rng.choice(TIMES) if setting not in INDOORS else "day",
        weather=rng.choices(WEATHERS, (0.6, 0.16, 0.12, 0.12))[0]
        if setting not in INDOORS
        else "clear",
        backdrop=rng.choice(list(COLOURS)),
        horizon=rng.choice(horizons(rows)),
        light_left=rng.random() < 0.5,
        style=rng.choice(STYLES[1:]) if rng.random() < mix.styled else "flat",
    )
    layouts = {"pair": mix.pairs, "row": mix.rows, "group": mix.groups, "empty": mix.empty}
    layout = rng.choices(
        ["single", *layouts], [max(0.0, 1 - sum(layouts.values())), *layouts.values()]
    )[0]
    if layout == "empty":
        return scene
    makers = {"single": _single, "pair": _pair, "row": _row, "group": _group}
    relation, things = makers[layout](rng, scene, mix)
    if rng.random() < _HALF_TOKEN:
        left, up = (0.5 if min(places) > 0 else 0 for places in zip(*((t.x, t.y) for t in things)))
        things = [replace(thing, x=thing.x - left, y=thing.y - up) for thing in things]
    return replace(scene, layout=layout, relation=relation, things=tuple(things))

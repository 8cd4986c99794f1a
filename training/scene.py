"""Paperland's scenes: what there is and where, in tokens (64 pixels).

Things stand on whole tokens, so that an autoencoder gives (nearly) the same numbers wherever a
thing stands and the transformer learns each drawing once. The words and the frame decide where
everything stands and how large it is, and things face one way only: a small model that has to
guess makes half of one picture and half of another. Only the light may come from either side.
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

_SIZES = (2, 3, 4, 6, 8)  # tokens
_HORIZON = 0.4  # of a picture's height is ground
_LEAST_ROWS = 4  # of a part of a scene
_RECOLOURED = 0.6
_IN_SETTING = 0.75  # the rest have a plain backdrop
# What is drawn where the words say nothing of it, and the share of such scenes.
UNSAID, _LIKE_UNSAID = dict(setting="meadow", time="day", weather="clear"), 0.08


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
    styled: float = 0.30
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
def horizon(rows):
    """Rows of tokens above the ground."""
    return rows - max(2, round(rows * _HORIZON))


def _bottom(scene, size, kind=""):
    """Row of the lower edge of things on one line."""
    if scene.setting in ("plain", "stars"):
        return (scene.rows + size) // 2
    if kind in IN_THE_AIR and scene.setting != "room":
        return max(size, scene.horizon)
    lowest = scene.rows - (1 if size < scene.rows - 1 else 0)
    return max(size, min(lowest, scene.horizon + 2))


def sizes(rows, columns):
    """Of things in a picture, in tokens."""
    short = min(rows, columns)
    return tuple(size for size in _SIZES if size <= short and (size <= 6 or short > 9))


def alone(scene, look):
    """A scene with one thing, where words that name nothing else put it."""
    colour, kind = look
    short = min(scene.rows, scene.columns)
    size = max(size for size in sizes(short, short) if size < short)  # with some backdrop around
    x = (scene.columns - size) // 2
    thing = Thing(kind, colour, x, _bottom(scene, size, kind) - size, size)
    return replace(scene, layout="single", relation="", things=(thing,))


def _single(rng, scene, mix):
    return "", alone(scene, sample_look(rng, mix)).things


def elsewhere(rng, scene):
    """A scene of one thing with that thing smaller and anywhere on its ground: for what begins with
    a given picture, which says where."""
    (thing,) = scene.things
    size = min(4, thing.size)
    floats = scene.setting in ("plain", "stars")
    y = rng.randint(0, scene.rows - size) if floats else thing.y + thing.size - size
    x = rng.randint(0, scene.columns - size)
    return replace(scene, things=(replace(thing, x=x, y=y, size=size),))


def _different(rng, mix, count):
    looks = []
    while len(looks) < count:
        look = sample_look(rng, mix)
        if look[1] not in [kind for _, kind in looks]:
            looks.append(look)
    return looks


def _line(scene, looks):
    """Things side by side in the middle, as large as fit, on one ground line."""
    size = sizes(scene.rows, scene.columns // len(looks))[-1]
    gap = 1 if (size + 1) * len(looks) - 1 <= scene.columns else 0
    x = (scene.columns - (size + gap) * len(looks) + gap) // 2
    y = _bottom(scene, size) - size
    return [
        Thing(kind, colour, x + i * (size + gap), y, size)
        for i, (colour, kind) in enumerate(looks)
    ]


def _pair(rng, scene, mix):
    looks = _different(rng, mix, 2)
    relation = rng.choices(RELATIONS, (0.6, 0.2, 0.2))[0]
    if relation == "left":
        return relation, _line(scene, looks)
    size = sizes(scene.rows // 2, scene.columns)[-1]
    x, top = (scene.columns - size) // 2, (scene.rows - 2 * size) // 2
    return relation, [
        Thing(kind, colour, x, top + i * size, size) for i, (colour, kind) in enumerate(looks)
    ]


def _row(rng, scene, mix):
    look = sample_look(rng, mix)
    count = rng.randint(2, max(2, min(6, scene.columns // 2)))
    return "", _line(scene, [look] * count)


def _group(rng, scene, mix):
    count = rng.choice((3, 4)) if scene.columns >= 12 else 3
    return "", _line(scene, _different(rng, mix, count))


def around_things(scene, margin=0):
    """The part of a scene around its things, with a margin of so many tokens where there are any;
    of an empty one all.
    """
    if not scene.things:
        return scene
    left, top = (max(0, min(p) - margin) for p in zip(*((t.x, t.y) for t in scene.things)))
    right = min(scene.columns, max(t.x + t.size for t in scene.things) + margin)
    bottom = min(scene.rows, max(t.y + t.size for t in scene.things) + margin)
    top = max(0, min(top, bottom - _LEAST_ROWS))
    return replace(
        scene,
        rows=bottom - top,
        columns=right - left,
        horizon=scene.horizon - top,
        things=tuple(replace(t, x=t.x - left, y=t.y - top) for t in scene.things),
    )


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
        horizon=horizon(rows),
        light_left=rng.random() < 0.5,
        style=rng.choice(STYLES[1:]) if rng.random() < mix.styled else "flat",
    )
    if rng.random() < _LIKE_UNSAID:
        scene = replace(scene, **UNSAID)
    layouts = {"pair": mix.pairs, "row": mix.rows, "group": mix.groups, "empty": mix.empty}
    layout = rng.choices(
        ["single", *layouts], [max(0.0, 1 - sum(layouts.values())), *layouts.values()]
    )[0]
    if layout == "empty":
        return scene
    makers = {"single": _single, "pair": _pair, "row": _row, "group": _group}
    relation, things = makers[layout](rng, scene, mix)
    return replace(scene, layout=layout, relation=relation, things=tuple(things))

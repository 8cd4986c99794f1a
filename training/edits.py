"""Edits: one to three pictures, an instruction, and the picture that they make. Exact by
construction: only the named thing changes.
"""

from dataclasses import dataclass, replace

from training.artwork import COLOURS, KINDS
from training.captions import caption
from training.scene import (
    INDOORS,
    SETTINGS,
    SINGLES,
    STYLES,
    TIMES,
    WEATHERS,
    Mix,
    Scene,
    alone,
    elsewhere,
    only,
    sample_look,
    sample_scene,
)
from training.words import (
    COLOUR_WORDS,
    FILLER,
    SETTING_WORDS,
    TIME_WORDS,
    WEATHER_WORDS,
)

OPERATIONS = (
    "recolour",
    "add",
    "remove",
    "replace",
    "move",
    "setting",
    "time",
    "weather",
    "style",
    "combine",
    "anew",
)
_RECOLOUR_IT = "recolour it"  # as of a single thing
KEEP = "keep"  # beside them: what says nothing of a picture leaves it as it is
INTO_STYLE = {
    "flat": ("a flat illustration", "flat vector art"),
    "pixel": ("pixel art", "an 8-bit pixel picture"),
    "sketch": ("a pencil sketch", "a pencil drawing"),
    "watercolour": ("a watercolour", "a watercolor painting"),
    "neon": ("neon lights on black", "a neon sign"),
    "cutout": ("a paper cut-out", "cut paper"),
    "blueprint": ("a blueprint",),
    "sepia": ("a sepia picture", "an old sepia photo"),
}
_MOVED = 2  # tokens
_WAY = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
NUMBERS = ("first", "second", "third")
_KEPT = 0.08  # share of instructions that change nothing
_ABSENT = 0.6  # share of them that name something that the picture does not show
SOURCES = ("from the {} image", "from the {} picture", "of the {} picture")
TOGETHER = ("{}", "{}", "combine {}", "put {} together")
_COLOUR_TOO = 0.4  # how often a coloured thing that is to be changed is named with its colour
_WORDS = {
    "setting": SETTING_WORDS,
    "time": TIME_WORDS,
    "weather": WEATHER_WORDS,
    "style": INTO_STYLE,
}
# The same by their bare names.
BARE_WORDS = {
    "meadow": ("a meadow", "a garden", "a green field"),
    "beach": ("a beach", "a sandy beach"),
    "desert": ("a desert", "sand dunes"),
    "snow": ("a snowy landscape", "a winter landscape"),
    "sea": ("the sea", "the ocean"),
    "forest": ("a forest", "the woods"),
    "mountains": ("mountains", "the alps"),
    "city": ("a city", "a city street"),
    "stars": ("space", "outer space", "a starry sky"),
    "room": ("a room", "a living room"),
    "morning": ("morning", "sunrise", "dawn"),
    "day": ("day", "daytime", "noon"),
    "sunset": ("sunset", "evening", "dusk"),
    "night": ("night", "nighttime", "dark", "midnight"),
    "clear": ("sunny", "a sunny day", "fine weather"),
    "cloudy": ("cloudy", "overcast", "a cloudy day"),
    "rain": ("rain", "rainy", "a rainy day"),
    "snowfall": ("snow", "snowing"),
}
# {what} is a phrase of the tables above, {bare} one of the last, {nothing} a word without meaning.
SAYINGS = {
    KEEP: (
        "keep it as it is",
        "the same picture",
        "change nothing",
        "leave the picture as it is",
        "upscale the picture",
        "enhance the picture",
        "make it sharper",
        "improve the quality",
        "make it more {nothing}",
        "a {nothing} {nothing}",
    ),
    "recolour": (
        "make the {thing} {colour}",
        "paint the {thing} {colour}",
        "change the colour of the {thing} to {colour}",
        "change the color of the {thing} to {colour}",
        "turn the {thing} {colour}",
        "the {thing} should be {colour}",
    ),
    _RECOLOUR_IT: ("make it {colour}", "paint it {colour}", "now in {colour}"),
    "add": (
        "add {new}",
        "add {new}",
        "put {new} into the picture",
        "now with {new}",
        "add {new} to the picture",
        "place {new} in the scene",
        "there should also be {new}",
    ),
    "remove": (
        "remove the {thing}",
        "remove the {thing}",
        "take the {thing} away",
        "erase the {thing}",
        "without the {thing}",
        "delete the {thing}",
        "get rid of the {thing}",
        "remove the {thing} from the picture",
    ),
    "replace": (
        "replace the {thing} with {new}",
        "replace the {thing} by {new}",
        "turn the {thing} into {new}",
        "change the {thing} into {new}",
        "change the {thing} to {new}",
        "swap the {thing} for {new}",
        "{new} instead of the {thing}",
    ),
    "move": (
        "move the {thing} {way}",
        "shift the {thing} {way}",
        "put the {thing} further {way}",
        "move the {thing} a bit {way}",
    ),
    "setting": (
        "put it {what}",
        "change the background: {what}",
        "now {what}",
        "place it {what}",
        "the same {what}",
        "show it {what}",
        "change the background to {bare}",
        "replace the background with {bare}",
    ),
    "time": (
        "make it {what}",
        "the same {what}",
        "now {what}",
        "show it {what}",
        "make it {bare}",
        "turn it into {bare}",
    ),
    "weather": (
        "make it {what}",
        "the same {what}",
        "now {what}",
        "show it {what}",
        "make it {bare}",
    ),
    "style": (
        "turn it into {what}",
        "make this {what}",
        "redraw it as {what}",
        "make it look like {what}",
        "convert it to {what}",
    ),
}


@dataclass(frozen=True)
class Edit:
    operation: str
    before: tuple  # scenes, one for each reference
    after: Scene
    # What the instruction names: kinds, a colour, a side, ... (see `instruction`).
    named: tuple = ()

    @property
    def rows(self):
        return self.after.rows

    @property
    def columns(self):
        return self.after.columns


def _name(kind, rng):
    return rng.choice(KINDS[kind].words)


def _changed(scene, index, **changes):
    things = list(scene.things)
    things[index] = replace(things[index], **changes)
    return replace(scene, things=tuple(things))


def _without(scene, index):
    things = scene.things[:index] + scene.things[index + 1 :]
    layout = {0: "empty", 1: "single"}.get(len(things), "group")
    return replace(scene, things=things, layout=layout, relation="")


# Each maker returns (scenes before, scene after, what is named), or None where the scene does not
# allow the operation.
def _recolour(rng, scene, mix):
    able = [i for i, thing in enumerate(scene.things) if KINDS[thing.kind].recolour]
    if not able or scene.style in ("sketch", "neon", "blueprint", "sepia"):
        return None
    index = rng.choice(able)
    thing = scene.things[index]
    colour = rng.choice([name for name in COLOURS if name != thing.colour])
    return (scene,), _changed(scene, index, colour=colour), (thing.kind, colour)


def _remove(rng, scene, mix):
    index = rng.randrange(len(scene.things))
    return (scene,), _without(scene, index), (scene.things[index].kind,)


def _add(rng, scene, mix):
    """Into a gap, or beside a thing that stood alone in the middle and makes room."""
    if len(scene.things) < 2:
        return None
    index = rng.randrange(len(scene.things))
    before = _without(scene, index)
    if scene.relation == "left" and index == 1 and rng.random() < 0.7:
        before = alone(scene, scene.things[0].look)
    return (before,), scene, scene.things[index].look


def _replace(rng, scene, mix):
    index = rng.randrange(len(scene.things))
    colour, kind = sample_look(rng, mix)
    if kind in [thing.kind for thing in scene.things]:
        return None
    old = scene.things[index].kind
    return (scene,), _changed(scene, index, kind=kind, colour=colour), (old, colour, kind)


def _move(rng, scene, mix):
    if scene.layout != "single":
        return None
    scene = elsewhere(rng, scene)
    thing = scene.things[0]
    way = rng.choice(list(_WAY))
    dx, dy = _WAY[way]
    x, y = thing.x + _MOVED * dx, thing.y + _MOVED * dy
    if not (0 <= x <= scene.columns - thing.size and 0 <= y <= scene.rows - thing.size):
        return None
    return (scene,), _changed(scene, 0, x=x, y=y), (thing.kind, way)


def _setting(rng, scene, mix):
    setting = rng.choice([name for name in SETTINGS[:-1] if name != scene.setting])
    after = replace(scene, setting=setting)
    if setting in INDOORS:
        after = replace(after, time="day", weather="clear")
    return (scene,), after, (setting,)


def _time(rng, scene, mix):
    if scene.setting in INDOORS:
        return None
    time = rng.choice([name for name in TIMES if name != scene.time])
    return (scene,), replace(scene, time=time), (time,)


def _weather(rng, scene, mix):
    if scene.setting in INDOORS:
        return None
    weather = rng.choice([name for name in WEATHERS if name != scene.weather])
    return (scene,), replace(scene, weather=weather), (weather,)


def _style(rng, scene, mix):
    scene = replace(scene, style="flat")
    style = rng.choice(STYLES[1:])
    return (scene,), replace(scene, style=style), (style,)


def _combine(rng, scene, mix):
    """The things of two or three pictures, side by side in the place of the last one."""
    if len(scene.things) not in (2, 3) or scene.layout not in ("pair", "group"):
        return None
    if scene.layout == "pair" and scene.relation != "left":
        return None
    before = []
    for thing in scene.things:
        single = sample_scene(rng, (scene.rows, scene.columns), only(mix))
        spot = single.things[0]
        before.append(
            replace(single, things=(replace(spot, kind=thing.kind, colour=thing.colour),))
        )
    last = before[-1]
    keep = dict(setting=last.setting, time=last.time, weather=last.weather)
    after = replace(scene, **keep, backdrop=last.backdrop, horizon=last.horizon, style="flat")
    after = replace(after, light_left=last.light_left)
    return tuple(before), after, tuple(thing.kind for thing in scene.things)


def _anew(rng, scene, mix):
    """What the prompt of a new picture asks for, whatever was given: people go on in a conversation
    with another subject, and its earlier pictures come along.
    """
    other = sample_scene(rng, (scene.rows, scene.columns), mix)
    return (other,), scene, ()


def _keep(rng, scene, mix):
    return (scene,), scene, ()


_MAKERS = {
    KEEP: _keep,
    "recolour": _recolour,
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "setting": _setting,
    "time": _time,
    "weather": _weather,
    "style": _style,
    "combine": _combine,
    "anew": _anew,
}


def sample_edit(rng, grid=(8, 8), mix=SINGLES, operation=None):
    """A random edit for pictures of the given (rows, columns)."""
    scenes = Mix(0.35, 0, 0.15, 0, 0.15, mix.kinds, mix.held_out)
    name = operation or (KEEP if rng.random() < _KEPT else rng.choice(OPERATIONS))
    while True:
        made = _MAKERS[name](rng, sample_scene(rng, grid, scenes), mix)
        if made:
            return Edit(name, *made)


def _look(colour, kind, rng):
    words = [rng.choice(COLOUR_WORDS[colour])] if colour else []
    phrase = " ".join([*words, _name(kind, rng)])
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def _shown(kind, scene, rng):
    """What a picture already shows, sometimes with its colour."""
    colour = next((thing.colour for thing in scene.things if thing.kind == kind), None)
    words = [rng.choice(COLOUR_WORDS[colour])] if colour and rng.random() < _COLOUR_TOO else []
    return " ".join([*words, _name(kind, rng)])


def _put_together(kinds, rng):
    if rng.random() < 0.5:
        parts = [f"the {_name(kind, rng)} of image {i}" for i, kind in enumerate(kinds, 1)]
    else:
        source = rng.choice(SOURCES)
        parts = [
            f"the {_name(kind, rng)} {source.format(number)}"
            for number, kind in zip(NUMBERS, kinds)
        ]
    said = f"{', '.join(parts[:-1])} and {parts[-1]}"
    return rng.choice(TOGETHER).format(said)


def _of_something_absent(scene, rng):
    """An edit of a thing that a picture does not show, and so changes nothing."""
    shown = {thing.kind for thing in scene.things}
    kind, other = rng.sample([kind for kind in KINDS if kind not in shown], 2)
    operation = rng.choice(("recolour", "remove", "replace", "move"))
    named = {
        "recolour": (kind, rng.choice(list(COLOURS))),
        "remove": (kind,),
        "replace": (kind, None, other),
        "move": (kind, rng.choice(list(_WAY))),
    }[operation]
    return Edit(operation, (scene,), scene, named)


def instruction(edit, rng):
    """What the edit is, in words."""
    if edit.operation == KEEP and rng.random() < _ABSENT:
        edit = _of_something_absent(edit.before[0], rng)
    named = edit.named
    if edit.operation == "anew":
        return caption(edit.after, rng, "rich")
    if edit.operation == "combine":
        return _put_together(named, rng)
    said = {}
    if edit.operation in ("recolour", "remove", "replace", "move"):
        said["thing"] = _shown(named[0], edit.before[0], rng)
    if edit.operation == "recolour":
        said["colour"] = rng.choice(COLOUR_WORDS[named[1]])
    elif edit.operation == "move":
        said["way"] = {"left": "to the left", "right": "to the right"}.get(named[1], named[1])
    elif edit.operation == "add":
        said["new"] = _look(*named, rng)
    elif edit.operation == "replace":
        said["new"] = _look(*named[1:], rng)
    elif edit.operation in _WORDS:
        said["what"] = rng.choice(_WORDS[edit.operation][named[0]])
        said["bare"] = rng.choice(BARE_WORDS.get(named[0], ("",)))
    elif edit.operation == KEEP:
        said["nothing"] = rng.choice(FILLER)
    sayings = SAYINGS[edit.operation]
    if edit.operation == "recolour" and len(edit.before[0].things) == 1:
        sayings += SAYINGS[_RECOLOUR_IT]
    return rng.choice(sayings).format(**said)

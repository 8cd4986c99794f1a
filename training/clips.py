"""Clips: the first picture, what happens, and the pictures that follow. Things move by whole
tokens.
"""

from dataclasses import dataclass, replace

from training.artwork import KINDS
from training.captions import caption
from training.scene import INDOORS, SINGLES, Mix, elsewhere, sample_scene, sizes

FRAMES = 9  # the first one is given
FRAMES_PER_SECOND = 4
MOTIONS = (
    "left",
    "right",
    "up",
    "down",
    "grow",
    "shrink",
    "appear",
    "night",
    "rain",
    "snow",
    "still",
)
_WAY = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}
_ALONG = (
    "the {thing} moves to the {way}",
    "the {thing} goes {way}",
    "the {thing} moves {way}",
    "move the {thing} {way}",
    "the {thing} walks to the {way}",
    "the {thing} runs {way}",
    "the {thing} drives to the {way}",
    "the {thing} flies {way}",
    "the {thing} swims to the {way}",
    "make the {thing} move {way}",
    "the {thing} is moving to the {way}",
    "a {thing} moving {way}",
    "a {thing} walking to the {way}",
    "a {thing} running {way}",
    "a {thing} driving to the {way}",
    "a {thing} flying {way}",
)
# Who says no way means the one that most drawings face.
_SOME_WAY = (
    "the {thing} moves",
    "make the {thing} move",
    "the {thing} walks",
    "the {thing} runs",
    "the {thing} drives along",
    "the {thing} is driving",
    "a {thing} walking",
    "a {thing} running",
    "a {thing} driving",
    "animate the {thing}",
)
SAYINGS = {
    "left": _ALONG + _SOME_WAY,
    "right": _ALONG,
    "up": (
        "the {thing} moves up",
        "the {thing} goes up",
        "move the {thing} up",
        "the {thing} rises",
        "the {thing} flies up",
        "the {thing} takes off",
        "the {thing} jumps",
        "a {thing} rising",
        "a {thing} taking off",
    ),
    "down": (
        "the {thing} moves down",
        "the {thing} goes down",
        "move the {thing} down",
        "the {thing} sinks",
        "the {thing} falls down",
        "the {thing} drops",
        "the {thing} lands",
        "a {thing} falling",
        "a {thing} landing",
    ),
    "grow": (
        "the {thing} grows",
        "the {thing} becomes bigger",
        "the {thing} gets larger",
        "the {thing} comes closer",
        "a {thing} growing",
        "a {thing} coming closer",
        "zoom in",
        "zoom in on the {thing}",
        "the camera zooms in",
    ),
    "shrink": (
        "the {thing} shrinks",
        "the {thing} becomes smaller",
        "the {thing} gets smaller",
        "the {thing} goes away",
        "the {thing} moves away",
        "a {thing} shrinking",
        "zoom out",
        "the camera zooms out",
    ),
    "appear": ("a {thing} appears", "the {thing} appears", "{thing} appears"),
    "night": (
        "night falls",
        "day turns into night",
        "it gets dark",
        "it becomes night",
        "make it night",
        "the sun goes down",
        "the sun sets",
        "from day to night",
    ),
    "rain": (
        "it starts to rain",
        "rain falls",
        "it begins to rain",
        "it rains",
        "it is raining",
        "make it rain",
        "rain starts to fall",
    ),
    "snow": (
        "it starts to snow",
        "snow falls",
        "it begins to snow",
        "it snows",
        "it is snowing",
        "make it snow",
        "snow starts to fall",
    ),
    "still": ("nothing moves", "a still picture", "nothing happens", "nothing changes"),
}
_SCENE_TOO = 0.4  # share of instructions that first say what is seen
_NO_MOTION_SAID = 0.8  # of still clips: most prompts say a scene and no motion
# Two frames are made at once, which stand so far apart: that says as much of a motion as all eight
# would for a third of the work. Together these are all that follow the first.
STRIDE = FRAMES // 2
PARTS = tuple((time, time + STRIDE) for time in range(1, 1 + STRIDE))


@dataclass(frozen=True)
class Clip:
    motion: str
    frames: tuple  # FRAMES scenes
    times: tuple = tuple(range(1, FRAMES))  # of the frames that are to be made

    @property
    def rows(self):
        return self.frames[0].rows

    @property
    def columns(self):
        return self.frames[0].columns


def part_of(clip, rng):
    """The clip of which two frames are to be made."""
    return replace(clip, times=rng.choice(PARTS))


def way(clip, time):
    """Rows and columns that the thing has gone at a time."""
    if clip.motion not in _WAY:
        return 0, 0
    first, now = (clip.frames[t].things[0] for t in (0, time))
    return now.y - first.y, now.x - first.x


def _with(scene, **changes):
    return replace(scene, things=(replace(scene.things[0], **changes),))


def _growing(scene):
    """The thing at each size up to its own, on its ground and around its middle."""
    thing = scene.things[0]
    bottom, middle = thing.y + thing.size, thing.x + thing.size / 2
    grown = [size for size in sizes(scene.rows, scene.columns) if size <= thing.size]
    return tuple(
        _with(scene, size=s, y=bottom - s, x=max(0, min(scene.columns - s, int(middle - s / 2))))
        for s in (grown[i * len(grown) // FRAMES] for i in range(FRAMES))
    )


def _frames(rng, scene, motion):
    """The scenes, or None where the scene does not allow the motion."""
    if motion == "still":
        return (scene,) * FRAMES
    if scene.layout != "single":
        return None
    thing = scene.things[0]
    if motion in _WAY:
        dx, dy = _WAY[motion]
        room = {
            "left": thing.x,
            "right": scene.columns - thing.size - thing.x,
            "up": thing.y,
            "down": scene.rows - thing.size - thing.y,
        }[motion]
        if room < 2:
            return None
        steps = [round(i * min(room, 4) / (FRAMES - 1)) for i in range(FRAMES)]
        return tuple(_with(scene, x=thing.x + dx * n, y=thing.y + dy * n) for n in steps)
    if motion in ("grow", "shrink"):
        frames = _growing(scene)
        return frames if motion == "grow" else frames[::-1]
    if motion == "appear":
        empty = replace(scene, things=(), layout="empty")
        return (empty,) * (FRAMES // 2) + (scene,) * (FRAMES - FRAMES // 2)
    if scene.setting in INDOORS:
        return None
    if motion == "night":
        first = "day" if scene.time == "night" else scene.time
        times = [first] * 3 + ["sunset"] * 3 + ["night"] * 3
        return tuple(replace(scene, time=time) for time in times)
    weather = {"rain": "rain", "snow": "snowfall"}[motion]
    dry = replace(scene, weather="cloudy") if scene.weather == weather else scene
    return (dry,) * 2 + (replace(scene, weather=weather),) * (FRAMES - 2)


def sample_clip(rng, grid=(8, 8), mix=SINGLES, motion=None):
    """A random clip of the given (rows, columns)."""
    name = motion or rng.choice(MOTIONS)
    while True:
        scene = sample_scene(rng, grid, Mix(kinds=mix.kinds) if name == "still" else mix)
        frames = _frames(rng, elsewhere(rng, scene) if name in _WAY else scene, name)
        if frames:
            return Clip(name, frames)


def instruction(clip, rng):
    """What happens, in words."""
    first = clip.frames[0]
    if clip.motion == "still" and rng.random() < _NO_MOTION_SAID:
        return caption(first, rng, "rich")
    things = clip.frames[-1].things
    said = rng.choice(SAYINGS[clip.motion]).format(
        thing=rng.choice(KINDS[things[0].kind].words) if things else "", way=clip.motion
    )
    if clip.motion != "appear" and rng.random() < _SCENE_TOO:
        return f"{caption(first, rng, 'plain')}, {said}"
    return said

"""Clips: the first picture, what happens, and the pictures that follow. Things move by whole
tokens.
"""

from dataclasses import dataclass, replace

from training.artwork import KINDS
from training.scene import INDOORS, SINGLES, elsewhere, sample_scene, sizes

FRAMES = 9  # the first one is given
MOTIONS = ("left", "right", "up", "down", "grow", "shrink", "appear", "night", "rain", "snow")
_WAY = {"left": (-1, 0), "right": (1, 0), "up": (0, -1), "down": (0, 1)}


@dataclass(frozen=True)
class Clip:
    motion: str
    frames: tuple  # FRAMES scenes

    @property
    def rows(self):
        return self.frames[0].rows

    @property
    def columns(self):
        return self.frames[0].columns

    @property
    def kind(self):
        return self.frames[-1].things[0].kind


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
        times = ["day"] * 3 + ["sunset"] * 3 + ["night"] * 3
        return tuple(replace(scene, time=time) for time in times)
    weather = {"rain": "rain", "snow": "snowfall"}[motion]
    dry = replace(scene, weather="cloudy")
    return (dry,) * 2 + (replace(scene, weather=weather),) * (FRAMES - 2)


def sample_clip(rng, grid=(8, 8), mix=SINGLES, motion=None):
    """A random clip of the given (rows, columns)."""
    while True:
        scene = sample_scene(rng, grid, mix)
        name = motion or rng.choice(MOTIONS)
        if scene.layout != "single":
            continue
        frames = _frames(rng, elsewhere(rng, scene) if name in _WAY else scene, name)
        if frames:
            return Clip(name, frames)


def instruction(clip, rng):
    """What happens, in words."""
    name, pick = rng.choice(KINDS[clip.kind].words), rng.choice
    if clip.motion in ("left", "right"):
        return pick(("the {} moves to the {}", "the {} goes {}", "move the {} {}")).format(
            name, clip.motion
        )
    if clip.motion in ("up", "down"):
        return pick(("the {} moves {}", "the {} goes {}", "move the {} {}")).format(
            name, clip.motion
        )
    words = {
        "grow": ("the {} grows", "the {} becomes bigger", "the {} gets larger"),
        "shrink": ("the {} shrinks", "the {} becomes smaller"),
        "appear": ("a {} appears", "the {} appears"),
        "night": ("night falls", "day turns into night", "it gets dark"),
        "rain": ("it starts to rain", "rain falls"),
        "snow": ("it starts to snow", "snow falls"),
    }[clip.motion]
    return pick(words).format(name)

"""Reads a picture's facts by comparing it with the renderer's own drawings.

The world is closed and each of its drawings is known, so nothing has to be learnt: the backdrop is
the one that differs least where no thing stands, a thing is the drawing, colour, size and place
that explain most of the rest. All of it at a few pixels per token; squared differences of colours
in -1..1, summed over channels.
"""

import itertools
import zlib
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F

from training import artwork, autoencoder
from training.artwork import COLOURS, KINDS
from training.frames import TOKEN
from training.picture import draw
from training.scene import INDOORS, SETTINGS, TIMES, WEATHERS, Scene, Thing, horizon, sizes

COLOURLESS = ("sketch", "neon", "blueprint", "sepia")  # styles in which colours cannot be read
_HIDDEN = 0.2  # a pixel that differs by more from a backdrop counts as covered
_BACKDROPS = 6  # of the nearest, that are tried with the things before them
_MOST = 8  # things
_MATCHED = 0.25  # share of a drawing that must be there
_FAINT = 0.03  # of what the first thing explains: less is no thing of its own
_NOTHING = 0.05  # what a thing explains at least, per token of its area
LIKE = 0.8  # likeness below which a thing is none of the drawings


@dataclass(frozen=True)
class Seen:
    """A thing; kind None: something that is none of the drawings."""

    kind: str | None
    colour: str | None
    row: int  # token in which its middle lies
    column: int


@dataclass
class Reading:
    """What is seen in one picture; things from left to right."""

    scene: dict
    things: list


def middle_of(thing):
    """(row, column) of the token in which a thing's middle lies."""
    return int(thing.y + thing.size / 2), int(thing.x + thing.size / 2)


def scene_facts(scene):
    """The right answers about the whole scene; None where there is none, or nothing shows it."""
    inside, plain = scene.setting in INDOORS, scene.setting == "plain"
    return {
        "setting": scene.setting,
        "time": None if inside or scene.style == "blueprint" else scene.time,
        "weather": None if inside else scene.weather,
        "backdrop": scene.backdrop if plain and scene.style not in COLOURLESS else None,
        "style": scene.style,
    }


# ---------------------------------------------------------------- drawings
def _shrunk(pixels, scale):
    """3 x H x W at 64 pixels per token -> 3 x h x w at `scale`."""
    return F.avg_pool2d(pixels, TOKEN // scale)


def _drawn(scene, scale):
    return _shrunk(autoencoder.to_pixels([draw(scene)])[0], scale)


def backdrops(grid, style):
    """Every empty scene of a grid in one style."""
    rows, columns = grid
    common = dict(rows=rows, columns=columns, style=style)
    for setting in SETTINGS:
        if setting == "plain":
            yield from (Scene(setting=setting, backdrop=name, **common) for name in COLOURS)
        elif setting == "stars":
            yield Scene(setting=setting, **common)
        else:
            inside = setting in INDOORS
            for left, time, weather in itertools.product(
                (True, False),
                ("day",) if inside else TIMES,
                ("clear",) if inside else WEATHERS,
            ):
                if left or inside or weather == "clear":  # else neither sun nor moon
                    yield Scene(
                        setting=setting, horizon=horizon(rows), light_left=left, time=time,
                        weather=weather, **common,
                    )  # fmt: skip


def _numbers(picture):
    """H x W x channels bytes -> channels x H x W, 0..1."""
    return torch.from_numpy(np.asarray(picture).astype(np.float32)).permute(2, 0, 1) / 255


def _styled(look, size, style, scale):
    """A look on a plain backdrop: bytes, h x w x 3."""
    things = (Thing(look[1], look[0], 0, 0, size),)
    shown = _drawn(Scene(size, size, "plain", backdrop="grey", style=style, things=things), scale)
    return ((shown + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()


def _drawings(looks, size, style, scale):
    """Colours of the looks in -1..1, N x 3 x h x w, and their opacity, N x 1 x h x w."""
    flat = [_numbers(artwork.sprite(kind, size * scale, colour)) for colour, kind in looks]
    flat = torch.stack(flat)
    if style == "flat":
        return flat[:, :3] * 2 - 1, flat[:, 3:]
    # All looks take minutes. What the filter makes of one tells it from an earlier filter.
    named = zlib.crc32(repr(looks).encode() + _styled(looks[0], size, style, scale).tobytes())
    column = artwork.stored(
        f"{style}-{size}-{scale}-{named:08x}",
        lambda: np.concatenate([_styled(look, size, style, scale) for look in looks]),
    )
    shown = _numbers(column).unflatten(1, (len(looks), -1)).transpose(0, 1)
    return shown * 2 - 1, flat[:, 3:]


# ---------------------------------------------------------------- reading
class _Sprites:
    """All looks of one size and style, as rows of a matrix that is multiplied with patches."""

    def __init__(self, looks, size, style, scale, step):
        colours, opacity = _drawings(looks, size, style, scale)
        self.rows = torch.cat((colours * opacity, opacity), 1).flatten(1)
        self.energy = (colours.square() * opacity).sum((1, 2, 3))[:, None]
        self.side, self.step = size * scale, step

    def _products(self, colours, squares):
        """Looks x places: sums over a sprite there of opacity x (squares - 2 colours x its own)."""
        both = torch.cat((-2 * colours, squares[None]))[None]
        return self.rows @ F.unfold(both, self.side, stride=self.step)[0]

    def gains(self, picture, explained):
        """Looks x places: by how much the squared difference between both falls when the sprite is
        put there, and by how much it would if the picture showed just that.
        """
        squares = picture.square().sum(0) - (picture - explained).square().sum(0)
        gain = -self._products(picture, squares) - self.energy
        return gain, self._products(explained, explained.square().sum(0)) + self.energy


def _likeness(picture, explained, behind):
    """1: what stands before the backdrop is what explains it; 0: it has nothing of it."""
    error, *energies = (
        (a - b).square().sum().item()
        for a, b in ((picture, explained), (picture, behind), (explained, behind))
    )
    return 1 - error / max(sum(energies), 1e-9)


def _is_within(thing, others):
    """Whether a thing's middle lies in another's square: then it is a part of that."""
    x, y = thing.x + thing.size / 2, thing.y + thing.size / 2
    return any(o.x <= x <= o.x + o.size and o.y <= y <= o.y + o.size for o in others)


class Recogniser:
    """For pictures of one grid (rows, columns), with the kinds and styles that may be in them."""

    def __init__(self, grid, kinds=tuple(KINDS), styles=("flat",)):
        self.grid, self.kinds = grid, kinds
        # Pixels per token as pictures are compared, and those between places.
        self.scale, self.step = (8, 2) if min(grid) < 10 else (4, 2)
        self.scenes = [scene for style in styles for scene in backdrops(grid, style)]
        self.behind = torch.stack([_drawn(scene, self.scale).half() for scene in self.scenes])
        self.sprites = {}

    def _looks(self, style):
        looks = [(None, kind) for kind in self.kinds]
        if style in COLOURLESS:
            return looks
        return looks + [(c, kind) for kind in self.kinds if KINDS[kind].recolour for c in COLOURS]

    def _sprites(self, size, style):
        if (size, style) not in self.sprites:
            self.sprites[size, style] = _Sprites(
                self._looks(style), size, style, self.scale, self.step
            )
        return self.sprites[size, style]

    def _backdrops(self, picture):
        """The empty scenes that differ least where the picture shows them, best first."""
        error = (self.behind.float() - picture).square().sum(1).clamp(max=_HIDDEN).sum((1, 2))
        return [self.scenes[i] for i in error.argsort()[:_BACKDROPS].tolist()]

    def _places(self, size):
        """Where a thing of a size may stand, as (x, y) in tokens."""
        rows, columns = (range(0, (n - size) * self.scale + 1, self.step) for n in self.grid)
        return [(x / self.scale, y / self.scale) for y in rows for x in columns]

    def _best(self, picture, explained, style, things, least):
        """The thing that is the best part of what is not yet explained, or None, and by how much
        the squared difference falls with it.
        """
        best, looks = (0.0,), self._looks(style)
        left = (picture - explained).square().sum(0)[None, None]
        for size in sizes(*self.grid):
            side, places = size * self.scale, self._places(size)
            free = [not _is_within(Thing("", None, x, y, size), things) for x, y in places]
            gains, mosts = self._sprites(size, style).gains(picture, explained)
            inside = F.avg_pool2d(left, side, self.step).flatten() * side * side
            # Gain alone would prefer pale blots to drawings a little out of place, and one large
            # thing to two small ones.
            merits = gains * ((gains + mosts) / (inside + mosts)).square()
            enough = gains > (_MATCHED * mosts).clamp(min=max(least, _NOTHING * size * size))
            merits = torch.where(enough & torch.tensor(free), merits, 0)
            at = merits.argmax().item()
            look, place = divmod(at, len(places))
            if merits.flatten()[at] > best[0]:
                colour, kind = looks[look]
                thing = Thing(kind, colour, *places[place], size)
                best = merits.flatten()[at].item(), thing, gains[look, place].item()
        return best[1:] or None

    def _things(self, picture, scene):
        """A scene with all that stands before its backdrop."""
        least = 0
        while len(scene.things) < _MOST:
            explained = _drawn(scene, self.scale)
            best = self._best(picture, explained, scene.style, scene.things, least)
            if not best:
                break
            thing, gain = best
            least = least or _FAINT * gain
            scene = replace(scene, things=(*scene.things, thing))
        return scene

    def _painted(self, picture, scene, index):
        """Which of the colours that things are painted with is nearest to a thing's; None where
        its kind has its own only.
        """
        thing = scene.things[index]
        if not KINDS[thing.kind].recolour or scene.style in COLOURLESS:
            return None

        def error(colour):
            things = list(scene.things)
            things[index] = replace(thing, colour=colour)
            shown = _drawn(replace(scene, things=tuple(things)), self.scale)
            return (picture - shown)[self._around(thing)].square().sum().item()

        return min(COLOURS, key=error)

    def _around(self, thing):
        """The part of a picture that a thing and half a token around it cover."""
        place = lambda at, size: slice(
            max(0, int((at - 0.5) * self.scale)), int((at + size + 0.5) * self.scale)
        )
        return ..., place(thing.y, thing.size), place(thing.x, thing.size)

    def explain(self, pixels):
        """The scene that a picture, 3 x H x W in -1..1 on whole tokens, shows, and of each thing
        in it the nearest colour and the likeness.
        """
        picture = _shrunk(pixels, self.scale)
        scenes = self._backdrops(picture)
        things = self._things(picture, scenes[0]).things
        drawn = lambda scene: _drawn(replace(scene, things=things), self.scale)
        behind = min(scenes, key=lambda scene: (picture - drawn(scene)).square().sum().item())
        scene, explained, bare = (
            replace(behind, things=things), drawn(behind), _drawn(behind, self.scale)
        )  # fmt: skip
        colours = [self._painted(picture, scene, i) for i in range(len(things))]
        around = [self._around(thing) for thing in things]
        return scene, colours, [_likeness(picture[a], explained[a], bare[a]) for a in around]

    def read(self, pixels):
        """The Reading of a picture, 3 x H x W in -1..1 on whole tokens."""
        scene, colours, alike = self.explain(pixels)
        things = [
            Seen(*((thing.kind, colour) if like > LIKE else (None, None)), *middle_of(thing))
            for thing, colour, like in zip(scene.things, colours, alike)
        ]
        return Reading(scene_facts(scene), sorted(things, key=lambda seen: seen.column))

"""What lies behind the things: settings at times of day in some weather, as vector drawings.

Lengths are in tokens. Silhouettes repeat every two or four tokens and lights stand on whole tokens,
so that the autoencoder's numbers repeat too.
"""

import functools
import math
from dataclasses import replace

from PIL import Image

from training.artwork import COLOURS, rasterise, stored
from training.frames import TOKEN

_SKY = {  # top, at the horizon
    "morning": ("#9fc6ec", "#ffe3c2"),
    "day": ("#5db4f0", "#cfecfb"),
    "sunset": ("#6d4a94", "#ffa66b"),
    "night": ("#10173d", "#35437c"),
}
_CLOUDY = {"morning": "#c3c6cb", "day": "#b4c2cc", "sunset": "#a07f8d", "night": "#2b3046"}
_TINT = {
    "morning": (1.0, 0.95, 0.88),
    "day": (1.0, 1.0, 1.0),
    "sunset": (0.90, 0.70, 0.64),
    "night": (0.36, 0.40, 0.58),
}


def _mixed(a, b, share):
    """share of colour b in colour a."""
    numbers = [
        round(int(a[i : i + 2], 16) * (1 - share) + int(b[i : i + 2], 16) * share)
        for i in (1, 3, 5)
    ]
    return "#" + "".join(f"{n:02x}" for n in numbers)


def _tinted(colour, time):
    numbers = [
        min(255, round(int(colour[i : i + 2], 16) * t)) for i, t in zip((1, 3, 5), _TINT[time])
    ]
    return "#" + "".join(f"{n:02x}" for n in numbers)


# ---------------------------------------------------------------- shapes
def _box(x, y, width, height, fill):
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" fill="{fill}"/>'


def _disc(x, y, radius, fill, opacity=1.0):
    return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{fill}" opacity="{opacity}"/>'


def _polygon(points, fill):
    return f'<polygon points="{" ".join(f"{x},{y}" for x, y in points)}" fill="{fill}"/>'


def _gradient(name, top, bottom):
    return (
        f'<linearGradient id="{name}" x1="0" y1="0" x2="0" y2="1">'
        f'<stop offset="0" stop-color="{top}"/><stop offset="1" stop-color="{bottom}"/></linearGradient>'
    )


def _hills(columns, y, height, period, phase, fill, bottom):
    """A wavy band from y - height .. y down to the bottom."""
    points = [
        (
            x / 4,
            round(y - height * (0.5 + 0.5 * math.sin(2 * math.pi * (x / 4 + phase) / period)), 3),
        )
        for x in range(4 * columns + 1)
    ]
    return _polygon([(0, bottom), *points, (columns, bottom)], fill)


def _cloud(x, y, fill):
    """Three by one and a half tokens."""
    return (
        _disc(x + 0.75, y + 0.95, 0.55, fill)
        + _disc(x + 1.45, y + 0.75, 0.75, fill)
        + _disc(x + 2.2, y + 1.0, 0.5, fill)
        + f'<rect x="{x + 0.2}" y="{y + 0.9}" width="2.5" height="0.6" rx="0.3" fill="{fill}"/>'
    )


def _star(x, y, fill="#fff7d6"):
    return _disc(x, y, 0.05, fill)


def _stars(columns, bottom):
    """The same three stars in every second token."""
    return "".join(
        _star(x + 0.3, y + 0.3) + _star(x + 1.5, y + 0.75) + _star(x + 0.75, y + 1.5)
        for x in range(0, columns, 2)
        for y in range(0, bottom, 2)
    )


# ---------------------------------------------------------------- sky
def _sky(scene):
    top, low = _SKY[scene.time]
    if scene.weather != "clear":
        grey = _CLOUDY[scene.time]
        top, low = _mixed(top, grey, 0.75), _mixed(low, grey, 0.75)
    drawn = _gradient("sky", top, low) + _box(0, 0, scene.columns, scene.horizon, "url(#sky)")
    if scene.time == "night" and scene.weather == "clear":
        drawn += _stars(scene.columns, scene.horizon)
    side = 1 if scene.light_left else scene.columns - 2
    if scene.weather == "clear":
        drawn += {
            "morning": _disc(side + 0.5, scene.horizon - 1, 0.9, "#fff0b8"),
            "day": _disc(side + 0.5, 1.5, 0.9, "#ffd54a"),
            "sunset": _disc(side + 0.5, scene.horizon - 0.0, 1.3, "#ffd27a"),
            "night": _disc(side + 0.5, 1.5, 0.8, "#f6efc9"),
        }[scene.time]
    fill = _mixed("#ffffff", _CLOUDY[scene.time], 0.0 if scene.weather == "clear" else 0.45)
    fill = _tinted(fill, scene.time)
    other = scene.columns - 4 if scene.light_left else 1
    if scene.weather == "clear" and scene.time in ("day", "morning"):
        drawn += _cloud(other, 1, fill)
    if scene.weather != "clear":
        drawn += "".join(
            _cloud(x, y, fill) for x, y in zip(range(0, scene.columns - 2, 3), (0, 1) * 20)
        )
    return drawn


# ---------------------------------------------------------------- grounds
def _meadow(scene, c):
    y, w, h = scene.horizon, scene.columns, scene.rows
    return _hills(w, y, 0.8, 4, 0, c("#8fc47a"), h) + _hills(w, y + 1, 0.7, 4, 1.5, c("#73b457"), h)


def _beach(scene, c):
    y, w, h = scene.horizon, scene.columns, scene.rows
    return (
        _box(0, y, w, 1, c("#2f9fd0"))
        + _hills(w, y + 1, 0.25, 2, 0, c("#f4f7f2"), h)
        + _hills(w, y + 1.15, 0.25, 2, 0, c("#f3dba2"), h)
    )


def _desert(scene, c):
    y, w, h = scene.horizon, scene.columns, scene.rows
    return _hills(w, y, 1.0, 4, 2, c("#dba263"), h) + _hills(w, y + 1, 0.7, 4, 0, c("#efc07c"), h)


def _snow(scene, c):
    y, w, h = scene.horizon, scene.columns, scene.rows
    return _hills(w, y, 0.8, 4, 1, c("#cfe0f2"), h) + _hills(w, y + 1, 0.6, 4, 3, c("#f1f6fc"), h)


def _sea(scene, c):
    y, w, h = scene.horizon, scene.columns, scene.rows
    bands = ("#2f8fcb", "#2780bd", "#2072ad", "#1a659e")
    drawn = _box(0, y, w, h - y, c(bands[0]))
    for i, row in enumerate(range(y + 1, h)):
        drawn += _hills(w, row, 0.3, 2, i, c(bands[min(i + 1, 3)]), h)
    return drawn


def _forest(scene, c):
    y, w, h = scene.horizon, scene.columns, scene.rows
    trees = ""
    for x in range(0, w, 2):
        trees += _polygon([(x, y + 0.5), (x + 1, y - 2), (x + 2, y + 0.5)], c("#2f7d4f"))
    for x in range(-1, w, 2):
        trees += _polygon([(x, y + 0.5), (x + 1, y - 1), (x + 2, y + 0.5)], c("#3c9460"))
    return trees + _box(0, y, w, h - y, c("#5f9e4c")) + _box(0, y + 1, w, h - y - 1, c("#6dae55"))


def _mountains(scene, c):
    y, w, h = scene.horizon, scene.columns, scene.rows
    drawn = ""
    for x in range(0, w, 4):
        drawn += _polygon([(x, y), (x + 2, y - 3), (x + 4, y)], c("#7e8ca3"))
        drawn += _polygon(
            [(x + 4 / 3, y - 2), (x + 2, y - 3), (x + 8 / 3, y - 2), (x + 2, y - 1.7)], c("#f2f6fb")
        )
    return drawn + _box(0, y, w, h - y, c("#8aa87a")) + _box(0, y + 1, w, h - y - 1, c("#9dba86"))


def _city(scene, c):
    y, w, h = scene.horizon, scene.columns, scene.rows
    lit = "#ffe08a" if scene.time in ("night", "sunset") else c("#cfe3f2")
    drawn = ""
    for x in range(0, w, 4):
        for left, wide, tall, fill in (
            (0, 1, 2, "#8d94a8"),
            (1, 1, 3, "#767f96"),
            (2, 1, 1.5, "#a0a7b8"),
            (3, 1, 2.5, "#868ea3"),
        ):
            drawn += _box(x + left, y - tall, wide, tall, c(fill))
            drawn += "".join(
                _box(x + left + dx, y - tall + dy * 0.5 + 0.15, 0.2, 0.22, lit)
                for dx in (0.2, 0.6)
                for dy in range(int(tall * 2))
            )
    lane = "".join(_box(x + 0.25, h - 0.55, 0.5, 0.1, c("#f2f2f2")) for x in range(w))
    return (
        drawn + _box(0, y, w, 1, c("#b9bcc4")) + _box(0, y + 1, w, h - y - 1, c("#5e636e")) + lane
    )


def _room(scene, c):
    y, w, h = scene.horizon, scene.columns, scene.rows
    boards = "".join(_box(0, row + 0.97, w, 0.03, "#a87850") for row in range(y, h))
    side = 1 if scene.light_left else w - 3
    window = _box(side, 1, 2, 2, "#ffffff") + _box(side + 0.12, 1.12, 1.76, 1.76, "#a9dcf5")
    window += _box(side + 0.95, 1, 0.1, 2, "#ffffff") + _box(side, 1.95, 2, 0.1, "#ffffff")
    return (
        _box(0, 0, w, y, "#f3e3c8")
        + window
        + _box(0, y, w, h - y, "#c08c5e")
        + boards
        + _box(0, y - 0.2, w, 0.2, "#ffffff")
    )


def _space(scene, c):
    w, h = scene.columns, scene.rows
    return _gradient("space", "#0b0f2e", "#2a2358") + _box(0, 0, w, h, "url(#space)") + _stars(w, h)


_GROUNDS = {
    "meadow": _meadow,
    "beach": _beach,
    "desert": _desert,
    "snow": _snow,
    "sea": _sea,
    "forest": _forest,
    "mountains": _mountains,
    "city": _city,
    "room": _room,
    "stars": _space,
}


def backdrop_colour(name):
    """A plain backdrop is a softer tone of its colour."""
    return (
        _mixed(COLOURS[name], "#ffffff", 0.45) if name not in ("black", "white") else COLOURS[name]
    )


@functools.lru_cache(maxsize=4000)
def _stored(scene):
    if scene.setting == "plain":
        size = scene.columns * TOKEN, scene.rows * TOKEN
        return Image.new("RGB", size, backdrop_colour(scene.backdrop))
    key = (scene.setting, scene.time, scene.weather, scene.horizon, scene.light_left)
    name = "-".join(map(str, ("behind", *key, scene.columns, scene.rows)))
    return stored(name, lambda: _drawn(scene))


def _drawn(scene):
    size = scene.columns * TOKEN, scene.rows * TOKEN
    c = lambda colour: _tinted(colour, scene.time)
    sky = "" if scene.setting in ("room", "stars") else _sky(scene)
    body = sky + _GROUNDS[scene.setting](scene, c)
    return rasterise(body, *size, (scene.columns, scene.rows)).convert("RGB")


def draw(scene):
    """The backdrop, a picture that callers must not change; equal ones are drawn once."""
    return _stored(_behind(scene))


def _behind(scene):
    """The part of a scene that its backdrop depends on."""
    return replace(
        scene,
        things=(),
        layout="empty",
        relation="",
        style="flat",
        backdrop=scene.backdrop if scene.setting == "plain" else "white",
        weather="clear" if scene.weather == "clear" else "cloudy",
        horizon=0 if scene.setting in ("plain", "stars") else scene.horizon,
    )


# ---------------------------------------------------------------- weather
@functools.cache
def veil(weather, rows, columns):
    """Rain or snow that falls over everything: the same drawing in every token, RGBA."""
    if weather == "rain":
        drop = (
            '<path d="M{0} {1}l-0.12 0.36" stroke="#dcebf7" stroke-width="0.05" '
            'stroke-linecap="round"/>'
        )
        one = drop.format(0.35, 0.1) + drop.format(0.85, 0.52)
    else:
        one = _disc(0.25, 0.3, 0.085, "#ffffff") + _disc(0.75, 0.72, 0.065, "#ffffff")
    tile = rasterise(one, TOKEN, box=(1, 1))
    whole = Image.new("RGBA", (columns * TOKEN, rows * TOKEN))
    for x in range(columns):
        for y in range(rows):
            whole.paste(tile, (x * TOKEN, y * TOKEN))
    return whole

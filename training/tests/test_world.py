"""The world: frames, scenes, words, pictures, edits, clips. Needs numpy, Pillow and resvg-py, not
PyTorch.
"""

import random
from dataclasses import replace

import pytest

for _name in ("numpy", "PIL", "resvg_py"):
    pytest.importorskip(_name, reason=f"{_name} is not installed (training/requirements.txt)")

import numpy as np

from training import artwork, backdrop, captions, clips, edits, languages, vocabulary, words
from training.artwork import COLOURS, KINDS
from training.frames import FRAMES, SQUARE, TOKEN
from training.picture import draw
from training.scene import (
    HELD_OUT_LOOKS,
    IN_THE_AIR,
    SETTINGS,
    STAGES,
    STYLES,
    TIMES,
    WEATHERS,
    Mix,
    Scene,
    Thing,
    kinds_of_stage,
    only,
    sample_scene,
)

pytestmark = pytest.mark.usefixtures("artwork_there")
GRIDS = ((8, 8), (16, 16), (12, 20), (20, 12), (10, 25))


def a_scene(*things, **changes):
    facts = dict(rows=4, columns=4, setting="plain", horizon=3, layout="single", things=things)
    return Scene(**(facts | changes))


@pytest.mark.parametrize("ratio", FRAMES)
def test_a_canvas_is_the_next_multiple_of_a_token(ratio):
    frame = FRAMES[ratio]
    for shown, whole in zip((frame.width, frame.height), frame.canvas):
        assert whole % TOKEN == 0 and 0 <= whole - shown < TOKEN


def test_a_cut_is_the_middle_of_the_canvas():
    frame = FRAMES["4:3"]  # 1152 x 864 on a canvas of 1152 x 896
    rows = np.arange(896)[:, None].repeat(1152, 1)
    assert frame.cut(rows).shape == (864, 1152)
    assert frame.cut(rows)[0, 0] == 16


def test_words_and_frame_decide_where_everything_stands():
    rng, places = random.Random(1), {}
    for _ in range(3000):
        scene = sample_scene(rng, rng.choice(GRIDS))
        flies = bool(scene.things) and scene.things[0].kind in IN_THE_AIR
        said = (
            scene.rows, scene.columns, scene.layout, scene.relation, len(scene.things),
            scene.setting, flies,
        )  # fmt: skip
        boxes = [(thing.x, thing.y, thing.size) for thing in scene.things]
        assert places.setdefault(said, boxes) == boxes


def test_a_caption_without_a_place_is_of_a_meadow_by_day(monkeypatch):
    monkeypatch.setattr(captions, "_TYPO", 0)
    rng, left_out = random.Random(2), 0
    for _ in range(3000):
        scene = sample_scene(rng)
        if scene.setting == "plain" or not scene.things:
            continue
        text = captions.caption(scene, rng)
        if not any(place in text.lower() for place in words.SETTING_WORDS[scene.setting]):
            assert (scene.setting, scene.time, scene.weather) == ("meadow", "day", "clear"), text
            left_out += 1
    assert left_out > 30


def test_a_frame_of_other_tokens_has_another_canvas():
    assert replace(SQUARE, token=128).grid == (8, 8)


# ---------------------------------------------------------------- artwork
def test_every_kind_has_a_drawing_that_fills_its_place():
    for name in KINDS:
        solid = np.asarray(artwork.sprite(name, 64))[..., 3] > 128
        assert solid.mean() > 0.05, name


def test_a_recoloured_thing_has_the_colour_and_keeps_its_outline():
    own = np.asarray(artwork.sprite("automobile", 64))
    for colour in COLOURS:
        made = np.asarray(artwork.sprite("automobile", 64, colour))
        assert np.array_equal(made[..., 3], own[..., 3])
        wanted = np.array(artwork.rgb(COLOURS[colour])) * 255
        near = np.abs(made[..., :3] - wanted).max(-1) < 12
        assert near[made[..., 3] > 250].mean() > 0.15, colour


def test_things_stand_where_the_scene_says():
    thing = Thing("closed-book", None, 1, 2, 2)
    bare, shown = draw(a_scene()), draw(a_scene(thing))
    rows, columns = np.nonzero((bare != shown).any(-1))
    assert 2 * TOKEN <= rows.min() and rows.max() < 4 * TOKEN
    assert TOKEN <= columns.min() and columns.max() < 3 * TOKEN


@pytest.mark.parametrize("style", STYLES)
def test_a_part_of_a_picture_is_cut_from_the_whole(style):
    rng = random.Random(3)
    scene = replace(sample_scene(rng, (8, 8), Mix()), style=style, weather="rain")
    whole = draw(scene)
    part = draw(scene, (2, 3, 4, 4))
    cut = whole[3 * TOKEN : 7 * TOKEN, 2 * TOKEN : 6 * TOKEN]
    # Blurs look a little further than the token around a part that is drawn with it.
    assert np.abs(part.astype(int) - cut).mean() < 0.5


@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_differ_by_time_where_they_have_one(setting):
    shown = {
        draw(replace(a_scene(), setting=setting, time=time)).tobytes() for time in ("day", "night")
    }
    assert len(shown) == (1 if setting in ("plain", "room", "stars") else 2)


# ---------------------------------------------------------------- scenes
@pytest.mark.parametrize("grid", GRIDS)
def test_things_stay_inside_the_picture_and_apart(grid):
    rng = random.Random(1)
    for _ in range(400):
        scene = sample_scene(rng, grid, Mix())
        for thing in scene.things:
            assert 0 <= thing.x <= scene.columns - thing.size
            assert 0 <= thing.y <= scene.rows - thing.size
        for i, a in enumerate(scene.things):
            for b in scene.things[:i]:
                across = a.x + a.size <= b.x or b.x + b.size <= a.x
                assert across or a.y + a.size <= b.y or b.y + b.size <= a.y


def test_a_pair_stands_as_its_relation_says():
    rng = random.Random(2)
    for _ in range(300):
        scene = sample_scene(rng, (8, 8), only(Mix(), pairs=1.0))
        first, second = scene.things
        if scene.relation == "left":
            assert first.x + first.size <= second.x
        elif scene.relation == "on":
            assert first.y + first.size == second.y
        else:
            assert first.y + first.size <= second.y


def test_rows_are_of_two_to_six_equal_things():
    rng = random.Random(5)
    counts = set()
    for grid in ((8, 8), (16, 16)):
        for _ in range(200):
            things = sample_scene(rng, grid, only(Mix(), rows=1.0)).things
            assert len({replace(thing, x=0) for thing in things}) == 1
            counts.add(len(things))
    assert counts == {2, 3, 4, 5, 6}


def test_training_scenes_avoid_what_is_held_out():
    rng = random.Random(2)
    for _ in range(3000):
        scene = sample_scene(rng, mix=Mix())
        assert not HELD_OUT_LOOKS & {thing.look for thing in scene.things}


def test_the_held_out_mix_holds_nothing_else():
    rng = random.Random(3)
    mix = Mix(0, 0, 0, 0, 0, held_out="only")
    for _ in range(100):
        assert sample_scene(rng, mix=mix).things[0].look in HELD_OUT_LOOKS


def test_stages_grow_and_end_with_every_kind():
    stages = [kinds_of_stage(count) for count in STAGES]
    assert [len(set(stage)) for stage in stages] == list(STAGES)
    assert all(set(small) < set(large) for small, large in zip(stages, stages[1:]))
    assert set(stages[-1]) == set(KINDS)


# ---------------------------------------------------------------- words
def test_a_plain_caption_says_every_fact():
    row = [Thing("octopus", "blue", x, 1, 2) for x in (0, 2, 4)]
    scene = a_scene(*row, setting="beach", time="night", weather="rain", layout="row", style="neon")
    assert (
        captions.caption(scene, random.Random(0), "plain")
        == "three blue octopuses on the beach at night in the rain, neon on black"
    )


def test_the_same_seed_gives_the_same_caption():
    scene = sample_scene(random.Random(9))
    first, second = (captions.caption(scene, random.Random(7), "long") for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    "one,many",
    [("fox", "foxes"), ("mouse", "mice"), ("cherry blossom", "cherry blossoms"),
     ("butterfly", "butterflies"), ("key", "keys"), ("sheep", "sheep")],
)  # fmt: skip
def test_plurals(one, many):
    assert words.plural(one) == many


def test_the_vocabulary_knows_its_captions_and_no_unknown_noun():
    known, rng = set(vocabulary.known_words()), random.Random(11)
    assert not known & set(words.UNKNOWN_NOUNS)
    for _ in range(500):
        scene = sample_scene(rng)
        text = captions.caption(scene, rng, "plain")
        assert set(vocabulary.words_of(text)) <= known, text


def test_the_vocabulary_knows_its_instructions():
    known, rng = set(vocabulary.known_words()), random.Random(11)
    for operation in set(edits.OPERATIONS) - {"anew"}:  # that is a caption
        for _ in range(50):
            text = edits.instruction(edits.sample_edit(rng, operation=operation), rng)
            assert set(vocabulary.words_of(text)) <= known, text


def test_a_stage_draws_its_own_kinds_only():
    drawn = vocabulary.draws(kinds_of_stage(60))
    assert "cat" in drawn and "zebra" not in drawn
    assert "zebra" not in vocabulary.known_words(kinds_of_stage(60))


@pytest.mark.parametrize("code", languages.LANGUAGES)
def test_every_kind_place_time_and_colour_has_a_word_in_every_language(code):
    language = languages.LANGUAGES[code]
    assert set(languages.nouns(code)) == set(KINDS)
    for table, known in (
        (language.colours, COLOURS),
        (language.settings, SETTINGS[:-1]),
        (language.times, TIMES),
        (language.weathers, WEATHERS[1:]),
    ):
        assert set(table) == set(known)


def test_a_caption_in_another_language_says_thing_colour_place_and_time():
    scene = a_scene(Thing("automobile", "red", 0, 0, 3), setting="beach", time="night")
    said = languages.caption(scene, "zh", random.Random(1))
    assert all(word in said for word in ("红", "汽车", "海滩", "夜晚"))


# ---------------------------------------------------------------- edits and clips
@pytest.mark.parametrize("operation", sorted(set(edits.OPERATIONS) - {"anew"}))
def test_an_edit_changes_what_it_names_and_nothing_else(operation):
    rng = random.Random(operation)
    for _ in range(40):
        edit = edits.sample_edit(rng, operation=operation)
        assert edits.instruction(edit, rng)
        if operation == "combine":
            assert [s.things[0].kind for s in edit.before] == [t.kind for t in edit.after.things]
            continue
        before, after = edit.before[0], edit.after
        changed = {
            name
            for name in before.__dataclass_fields__
            if getattr(before, name) != getattr(after, name)
        }
        allowed = {
            "setting": {"setting", "time", "weather"},
            "add": {"things", "layout", "relation"},
            "remove": {"things", "layout", "relation"},
        }.get(operation, {operation if operation in before.__dataclass_fields__ else "things"})
        assert changed and changed <= allowed
        if operation in ("recolour", "replace", "move"):
            assert sum(a != b for a, b in zip(before.things, after.things)) == 1


@pytest.mark.parametrize("motion", sorted(set(clips.MOTIONS) - {"still"}))
def test_a_clip_begins_and_ends_as_its_motion_says(motion):
    rng = random.Random(motion)
    for _ in range(20):
        clip = clips.sample_clip(rng, motion=motion)
        assert len(clip.frames) == clips.FRAMES and clips.instruction(clip, rng)
        first, last = clip.frames[0], clip.frames[-1]
        if motion == "appear":
            assert not first.things and last.things
            continue
        a, b = first.things[0], last.things[0]
        assert {
            "left": b.x < a.x,
            "right": b.x > a.x,
            "up": b.y < a.y,
            "down": b.y > a.y,
            "grow": b.size > a.size,
            "shrink": b.size < a.size,
            "night": first.time != last.time == "night",
            "rain": first.weather != last.weather == "rain",
            "snow": first.weather != last.weather == "snowfall",
        }[motion]


def test_what_says_nothing_of_a_picture_leaves_it_as_it_is():
    edit = edits.sample_edit(random.Random(5), operation=edits.KEEP)
    assert edit.before == (edit.after,)


def test_in_a_still_clip_nothing_changes_whatever_is_seen():
    rng = random.Random(3)
    found = [clips.sample_clip(rng, motion="still") for _ in range(40)]
    assert all(len(set(clip.frames)) == 1 for clip in found)
    assert {clip.frames[0].layout for clip in found} >= {"single", "pair", "row", "group"}


def test_parts_of_clips_have_every_frame_that_follows_the_first():
    rng = random.Random(4)
    clip = clips.sample_clip(rng)
    times = [clips.part_of(clip, rng).times for _ in range(60)]
    assert {time for part in times for time in part} == set(range(1, clips.FRAMES))
    assert all(len(part) == 2 for part in times)


def test_a_backdrop_is_the_same_whatever_stands_before_it():
    scene = a_scene(Thing("cat", None, 0, 0, 3), setting="meadow")
    assert backdrop.draw(scene) is backdrop.draw(a_scene(setting="meadow", style="neon"))

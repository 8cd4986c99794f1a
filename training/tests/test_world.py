"""The world: frames, scenes, captions, pictures.  Needs numpy and g++, not PyTorch."""

import random
import shutil

import pytest

pytest.importorskip("numpy", reason="numpy is not installed (training/requirements.txt)")
if not shutil.which("g++"):
    pytest.skip("g++ is not installed: the renderer cannot be built", allow_module_level=True)

import numpy as np

from training import captions, scene as scenes
from training.frames import FRAMES, SQUARE, sample_frame
from training.picture import draw, draw_outline
from training.scene import Mix, Scene, Thing, sample_scene


def a_scene(**changes):
    facts = dict(
        setting="plain",
        time="day",
        backdrop="white",
        horizon=0.6,
        phase=0.0,
        base=0.85,
        light_left=True,
        drift=0.0,
        width=1.0,
        height=1.0,
        layout="single",
        things=[Thing("ball", "red", 0.5, 0.25)],
    )
    return Scene(**(facts | changes))


@pytest.mark.parametrize("ratio", FRAMES)
def test_a_canvas_is_the_next_multiple_of_a_token(ratio):
    frame = FRAMES[ratio]
    for shown, whole in zip((frame.width, frame.height), frame.canvas):
        assert whole % 128 == 0 and 0 <= whole - shown < 128


def test_a_cut_is_the_middle_of_the_canvas():
    frame = FRAMES["16:9"]
    rows = np.arange(768)[:, None].repeat(1280, 1)
    assert frame.cut(rows).shape == (720, 1280)
    assert frame.cut(rows)[0, 0] == 24


def test_a_ball_is_drawn_where_the_scene_says():
    picture = draw(a_scene(), SQUARE, shrink=8)  # ball: centre (64, 76.8), radius 32
    red, green, _ = picture[90, 64].astype(int)
    assert red > 150 and green < 80
    assert picture[90, 20].min() > 150


def test_an_outline_covers_the_area_of_its_shape():
    area = draw_outline(a_scene(), SQUARE, shrink=2).sum() / (512 * 512)
    assert area == pytest.approx(np.pi * 0.25**2, rel=0.01)


def test_a_wide_picture_shows_the_square_scene_at_its_own_scale():
    wide = a_scene(width=1280 / 720, things=[Thing("ball", "red", 640 / 720, 0.25)])
    square = draw_outline(a_scene(), SQUARE).sum() / 1024**2
    assert draw_outline(wide, FRAMES["16:9"]).sum() / 720**2 == pytest.approx(square, rel=0.01)


def test_things_stay_inside_the_part_that_is_shown():
    rng = random.Random(1)
    for _ in range(300):
        frame = sample_frame(rng)
        scene = sample_scene(rng, frame.extent, Mix(pairs=0.4, rows=0.3))
        for thing in scene.things:
            assert thing.half < thing.x < scene.width - thing.half
            assert scene.base + scene.ground_shift < scene.height


def test_training_scenes_avoid_what_is_held_out():
    rng = random.Random(2)
    for _ in range(2000):
        scene = sample_scene(rng, mix=Mix(pairs=0.5))
        assert not scenes.HELD_OUT_LOOKS & {thing.look for thing in scene.things}
        assert frozenset(thing.kind for thing in scene.things) not in scenes.HELD_OUT_PAIRS


def test_the_held_out_mix_holds_nothing_else():
    rng = random.Random(3)
    for _ in range(200):
        assert sample_scene(rng, mix=Mix(held_out="only")).things[0].look in scenes.HELD_OUT_LOOKS
        pair = sample_scene(rng, mix=Mix(pairs=1, held_out="only"))
        assert frozenset(thing.kind for thing in pair.things) in scenes.HELD_OUT_PAIRS


def test_a_plain_caption_says_every_fact():
    scene = a_scene(
        setting="beach",
        time="night",
        layout="row",
        things=[Thing("box", "blue", x, 0.1) for x in (0.2, 0.5, 0.8)],
    )
    assert (
        captions.caption(scene, random.Random(0), "plain")
        == "three blue boxes on the beach at night"
    )


def test_the_same_seed_gives_the_same_caption():
    scene = a_scene(setting="meadow")
    first, second = (captions.caption(scene, random.Random(7), "long") for _ in range(2))
    assert first == second

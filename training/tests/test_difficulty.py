"""What is drawn how often, and at which noise levels."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (training/requirements.txt)")

from training.difficulty import Difficulty
from training.scene import Scene, Thing


def scene(*kinds, style="flat"):
    things = tuple(Thing(kind, None, 0, 0, 4) for kind in kinds)
    return Scene(8, 8, "plain", style=style, layout="single", things=things)


@pytest.fixture
def told():
    """A dragon is three times as hard as a ball at each noise level; levels differ by far more."""
    difficulty = Difficulty()
    for _ in range(400):
        for level in (0.15, 0.55, 0.95):
            losses = torch.tensor([0.1, 0.3, 0.2]) * 100**level
            levels = torch.full((3,), level)
            difficulty.tell([scene("ball"), scene("dragon"), scene("cat")], levels, losses)
    return difficulty


def test_scenes_of_hard_kinds_are_drawn_more_often(told):
    assert told.chance(scene("dragon")) == pytest.approx(1.0, abs=0.02)
    assert told.chance(scene("cat")) == pytest.approx(2 / 3, abs=0.02)
    assert told.chance(scene("ball")) == pytest.approx(1 / 3, abs=0.02)


def test_a_scene_is_as_hard_as_its_hardest_thing(told):
    assert told.chance(scene("ball", "dragon")) == told.chance(scene("dragon"))


def test_what_is_known_by_heart_is_still_drawn():
    difficulty = Difficulty()
    for _ in range(2000):
        difficulty.tell([scene("ball"), scene("cat")], torch.full((2,), 0.5), torch.tensor([1e-3, 1.0]))
    assert difficulty.chance(scene("ball")) == pytest.approx(0.2)


def test_other_styles_tell_nothing_of_a_kind():
    difficulty = Difficulty()
    for _ in range(400):
        subjects = [scene("ball"), scene("ball", style="neon")]
        difficulty.tell(subjects, torch.full((2,), 0.5), torch.tensor([0.1, 0.9]))
    assert difficulty.chance(scene("ball", style="neon")) == difficulty.chance(scene("cat"))

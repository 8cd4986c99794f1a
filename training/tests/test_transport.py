import itertools
import random

import pytest

for _name in ("numpy", "torch"):
    pytest.importorskip(_name, reason=f"{_name} is not installed (training/requirements.txt)")

import torch

from training import edits, transport
from training.scene import SINGLES, Mix, sample_scene

GRID, SCENES = (8, 8), 1500


def tokens_of(scene):
    """P x 32 numbers that show what a picture would: the light, the ground and where a thing is."""
    tokens = torch.zeros(*GRID, 32)
    tokens[0, 0 if scene.light_left else -1, 0] = 4
    tokens[scene.horizon :, :, 1] = 1
    for thing in scene.things:
        rows = slice(int(thing.y), int(thing.y) + thing.size)
        tokens[rows, int(thing.x) : int(thing.x) + thing.size, 2:5] = 1
    return tokens.flatten(0, 1)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def scenes():
    """Of words that leave the same open."""
    rng = random.Random(1)
    every = (sample_scene(rng, GRID, SINGLES) for _ in iter(int, 1))
    wanted = GRID, "outdoors", "single", "", 1, False
    return list(itertools.islice((s for s in every if transport.said(s) == wanted), SCENES))


@pytest.fixture(scope="module")
def tie(scenes):
    torch.manual_seed(0)
    return transport.Transport(scenes, [tokens_of(scene) for scene in scenes])


def test_over_all_scenes_noise_is_what_a_sampler_draws(scenes, tie):
    noise = torch.stack([tie.noise(row) for row in range(SCENES)]).flatten(1)
    deviation = 1 / SCENES**0.5
    assert noise.mean(0).abs().max() < 8 * deviation
    assert (noise.var(0) - 1).abs().max() < 8 * 2**0.5 * deviation
    scores = noise @ tie.tie[0][0].basis.T  # where the ties are made
    assert scores.mean(0).abs().max() < 0.15
    assert (torch.cov(scores.T) - torch.eye(scores.shape[1])).abs().max() < 0.2


def test_noise_of_a_scene_resembles_it_most(scenes, tie):
    taken = []
    for row in range(0, SCENES, 10):
        open_, choice = tie.tie[row]
        numbers = open_.basis @ tie.noise(row).flatten()
        taken.append(open_.taken(numbers[None]).item() == choice)
    assert sum(taken) / len(taken) > 0.95


def test_free_noise_takes_each_choice_as_often_as_the_scenes_do(scenes, tie):
    open_ = tie.tie[0][0]
    shares = torch.bincount(torch.tensor([t[1] for t in tie.tie])) / SCENES
    taken = open_.taken(torch.randn(20000, len(open_.basis)))
    found = torch.bincount(taken, minlength=len(shares)) / 20000
    assert (found - shares).abs().sum() / 2 < 0.1


def test_what_is_not_tied_stays(scenes, tie):
    open_, choice = tie.tie[0]
    noise = torch.randn(64, 32)
    change = (open_.tied(noise, choice) - noise).flatten()
    assert torch.allclose((change @ open_.basis.T) @ open_.basis, change, atol=1e-4)


def test_where_pictures_are_given_nothing_is_tied():
    rng = random.Random(2)
    subjects = [edits.sample_edit(rng, GRID, Mix()) for _ in range(40)]
    tied = transport.Transport(subjects, [torch.zeros(64, 32)] * 40)
    assert tied.tie == [None] * 40
    assert tied.noise(0).shape == (64, 32)

import math

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (training/requirements.txt)")

from training.finish import finished, sharpened

# The middle of a row of soft_edge(0) after one pass; sharpen_edges_test.cpp has the same.
ENGINE = [40, 41, 43, 47, 58, 95, 145, 182, 193, 197, 199, 200]


def soft_edge(angle, side=40):
    """Levels of a step from 40 to 200 at an angle, under a Gaussian of 2 pixels: 1 x 3 x H x W."""
    at = torch.arange(side) - (side - 1) / 2
    away = at * math.cos(angle) + at[:, None] * math.sin(angle)
    levels = (120 + 80 * torch.erf(away / (2 * math.sqrt(2)))).round()
    return levels.expand(1, 3, side, side)


def test_a_pass_does_what_the_engine_does():
    row = sharpened(soft_edge(0))[0, 0, 20, 14:26].tolist()
    assert row == ENGINE


@pytest.mark.parametrize("degrees", [0, 20, 45, 160])
def test_a_soft_edge_becomes_narrow_at_any_angle(degrees):
    between = lambda levels: ((levels > 56) & (levels < 184)).sum()
    soft = soft_edge(math.radians(degrees))
    made = (finished(soft / 127.5 - 1, passes=3) + 1) * 127.5
    assert between(soft[0, 0, 20]) >= 5
    assert between(made[0, 0, 20]) <= 2


def test_flat_colours_and_ramps_stay():
    flat = torch.tensor([7.0, 107.0, 207.0]).view(1, 3, 1, 1).expand(1, 3, 20, 30)
    ramp = (torch.arange(64.0) + 30).expand(1, 3, 20, 64)
    for levels in (flat, ramp):
        assert torch.equal(sharpened(levels), levels)

"""The block that looks at its own place in the nearest given picture."""

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed (training/requirements.txt)")

from training import copying_block
from training.paperland import Paperland
from training.transformer import CONFIG, picture_positions, rotate_pairs, rotation

_GRID = (8, 8)


def _states(rng, count, mean):
    """Rows of the network's width around one mean."""
    return torch.randn(count, 192, generator=rng) * 0.3 + mean


def _block(rng):
    prompt, made, given = (torch.randn(192, generator=rng) for _ in range(3))
    tokens = torch.randn(2000, 32, generator=rng)
    rows = _states(rng, 2000, given)
    rows[:, :32] += tokens
    return copying_block.copying_block(
        _states(rng, 500, prompt), _states(rng, 2000, made), rows, tokens, torch.zeros(2000, 2)
    ), (prompt, made, given)


def _attention(block, states, times):
    """Of the first head: of each picture's tokens to all."""
    places = torch.cat([picture_positions(*_GRID, time) for time in times])
    turn = rotation(places, CONFIG["axes_dims_rope"], CONFIG["rope_theta"])
    q, k, *_ = block.attn.to_qkv_mlp_proj(states).split(192, -1)
    head = lambda x, norm: norm(x[:, None, :64])[None]
    q, k = (rotate_pairs(head(x, norm), *turn)[0, :, 0] for x, norm in
            ((q, block.attn.norm_q), (k, block.attn.norm_k)))  # fmt: skip
    return (q @ k.T / 8).softmax(-1)


def _seen(times):
    rng = torch.Generator().manual_seed(3)
    block, (_, made, given) = _block(rng)
    pictures = [_states(rng, 64, made)] + [_states(rng, 64, given) for _ in times]
    with torch.no_grad():
        return _attention(block, torch.cat(pictures), (0, *times))[:64].view(64, -1, 64)


def test_a_token_looks_at_its_own_place_in_the_given_picture():
    own = _seen((10,))[:, 1].diagonal()
    assert own.min() > 0.9


def test_of_several_pictures_it_looks_at_the_nearest_in_time():
    assert _seen((10, 20, 30))[:, 1].diagonal().min() > 0.85


def test_a_token_of_a_moving_thing_looks_where_the_thing_came_from():
    rng = torch.Generator().manual_seed(6)
    made, given = torch.randn(2, 192, generator=rng)
    rows, gone = _states(rng, 2000, made), torch.tensor([[0, 3]]).repeat(2000, 1)
    rows[1000:], gone[1000:] = rows[1000:].roll(1, -1), torch.tensor([-2, 0])
    block = copying_block.copying_block(
        _states(rng, 500, given.flip(0)), rows, _states(rng, 2000, given),
        torch.randn(2000, 32, generator=rng), gone,
    )  # fmt: skip
    to_the_right = torch.cat((rows[:64], _states(rng, 64, given)))
    upwards = torch.cat((rows[1000:1064], _states(rng, 64, given)))
    with torch.no_grad():
        right, up = (_attention(block, s, (4, 0))[:64, 64:] for s in (to_the_right, upwards))
    right, up = right.view(8, 8, 8, 8), up.view(8, 8, 8, 8)
    assert min(right[y, x, y, x - 3] for y in range(8) for x in range(3, 8)) > 0.85
    assert min(up[y, x, y + 2, x] for y in range(6) for x in range(8)) > 0.85


def test_its_values_are_the_tokens_that_it_looks_at():
    rng = torch.Generator().manual_seed(4)
    tokens, mixing = torch.randn(4000, 32, generator=rng), torch.randn(32, 192, generator=rng)
    given = tokens @ mixing + 0.01 * torch.randn(4000, 192, generator=rng)
    still = torch.zeros(100, 2)
    block = copying_block.copying_block(given[:50], given[:100], given, tokens, still)
    values = block.attn.to_qkv_mlp_proj(given)[:, 384:416]
    assert (values - tokens).square().mean() < 0.01


def test_pictures_stay_what_they_were_until_training_goes_on():
    rng = torch.Generator().manual_seed(5)
    net = Paperland(flow=CONFIG | {"num_single_layers": 1}).eval()
    with torch.no_grad():
        net.transformer.proj_out.weight.normal_(generator=rng)
    block, _ = _block(rng)
    larger = Paperland(flow=CONFIG | {"num_single_layers": 2}).eval()
    larger.load_state_dict(copying_block.grown(net.state_dict(), block))
    x, given = torch.randn(2, 1, 64, 32, generator=rng).unbind(0)
    ids, real, now = torch.tensor([[5, 6]]), torch.ones(1, 2, dtype=torch.bool), torch.tensor([0.7])
    with torch.no_grad():
        before, after = (
            n(x, now, ids, real, *n.transformer.rotation(2, _GRID, (0, 10)), given)
            for n in (net, larger)
        )
    torch.testing.assert_close(after, before)

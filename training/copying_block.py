"""Puts a single block before the others whose first head looks at its own place in the nearest given
picture, so that an edit can keep what it should not change. Of a pool of clips: at the place where
what moves came from, as far as the blocks before it know.

    python -m training.copying_block --checkpoint FILE --pool FOLDER --out FILE

Without it no head learnt to: after 130,000 edits none gave its own place more than 0.08 of its
attention, and the model drew anew what it had read. The head is solved from what the blocks before
it say of the pool's edits or clips. The block's output is nothing at first, so pictures stay what
they were until training goes on.
"""

import argparse
import re
from pathlib import Path

import torch

from training import clips
from training.batches import Batches
from training.paperland import Paperland
from training.train import velocities
from training.transformer import CONFIG, SingleBlock, rotate_pairs, rotation

# Shares of the head's attention score that the rotary frequencies of an axis carry, fastest first.
# The fastest tell neighbours apart and come round again after 6 tokens; the slower ones do not.
# References stand 10 apart on the time axis, which the third frequency (0.1) tells apart.
_TIME = (0.0, 0.0, 0.2)
_PLACE = (0.16, 0.14, 0.06, 0.04)
_SHARPNESS = 2.5  # of both norms where the score is carried: it is 8 * 2.5 ** 2 at the own place
_RIDGE = 1e-3
_BLOCKS = "transformer.single_transformer_blocks"
_BLOCK = re.compile(re.escape(_BLOCKS) + r"\.(\d+)\.")
_BATCHES = 40


def ways(batch):
    """Rows and columns that what moves has gone since the given picture, for each token to make."""
    tokens = batch.shape.grid[0] * batch.shape.grid[1]
    gone = [
        clips.way(subject, time) if isinstance(subject, clips.Clip) else (0, 0)
        for subject in batch.subjects
        for time in batch.shape.times
    ]
    return torch.tensor(gone).repeat_interleave(tokens, 0)


@torch.no_grad()
def states(net, batches, count=_BATCHES):
    """What the first single block reads of edits or clips, as rows: of prompts, of pictures to make,
    of given ones; the tokens of the latter, and the ways of the tokens to make.
    """
    found, seen = ([], [], [], [], []), {}
    block = net.transformer.single_transformer_blocks[0]
    hook = block.register_forward_pre_hook(
        lambda _, args: seen.update(states=block.modulated(*args[:2]))
    )
    while count:
        batch = batches.next()
        batches.go_on(batch, velocities(net, batch))
        if batch.given is None:
            continue
        lengths = batch.ids.shape[1], batch.made.shape[1], batch.given.shape[1]
        prompt, made, given = seen["states"].split(lengths, 1)
        parts = prompt[batch.real], made, given, batch.given, ways(batch)
        for rows, part in zip(found, parts, strict=True):
            rows.append(part.flatten(0, -2))
        count -= 1
    hook.remove()
    return [torch.cat(rows) for rows in found]


def solve(rows, targets):
    """Matrix that takes rows to targets with the least squared error."""
    x, y = rows.double(), targets.double()
    ridge = _RIDGE * x.square().mean() * len(x)
    return torch.linalg.solve(
        x.T @ x + ridge * torch.eye(x.shape[1], dtype=x.dtype), x.T @ y
    ).T.float()


def pattern(axes, shares_of_axes):
    """A head's numbers that turn with the chosen frequencies; their mean square is one."""
    found = []
    for width, shares in zip(axes, shares_of_axes, strict=True):
        numbers = torch.zeros(width)
        numbers[0 : 2 * len(shares) : 2] = torch.tensor(shares)
        found.append(numbers)
    found = torch.cat(found)
    return (found * len(found) / found.sum()).sqrt()


def turned(shape, gone, config):
    """What queries have to be to find keys of that pattern the ways back: rows x head width."""
    zero = torch.zeros(len(gone), 1)
    back = torch.cat((zero, -gone, zero), -1)
    return rotate_pairs(
        shape.expand(len(gone), 1, -1),
        *rotation(back, config["axes_dims_rope"], config["rope_theta"]),
    )[:, 0]


@torch.no_grad()
def copying_block(prompt, made, given, tokens, gone, config=CONFIG):
    """The block, from the rows that `states` finds."""
    heads, head = config["num_attention_heads"], config["attention_head_dim"]
    width = heads * head
    block = SingleBlock(width, heads, int(width * config["mlp_ratio"]), config["eps"])
    attention = block.attn
    shape = pattern(config["axes_dims_rope"], (_TIME, _PLACE, _PLACE, ()))
    # The norms leave the sign of what these two say of a token: queries are positive for all that
    # is to be made, keys for given pictures alone.
    asks = solve(made, turned(shape, gone, config))
    others = torch.cat((prompt, made))
    weight = (len(given) / len(others)) ** 0.5
    answers = solve(
        torch.cat((given, others * weight)),
        torch.cat((torch.ones(len(given), 1), -weight * torch.ones(len(others), 1))),
    )
    projection = attention.to_qkv_mlp_proj.weight
    projection[:head] = asks
    projection[width : width + head] = shape[:, None] * answers
    projection[2 * width : 2 * width + tokens.shape[1]] = solve(given, tokens)
    carrying = shape.view(-1, 2).any(-1).repeat_interleave(2)
    for norm in (attention.norm_q, attention.norm_k):
        norm.weight[carrying] = _SHARPNESS
    attention.to_out.weight.zero_()
    return block


def grown(state, block):
    """A network's state with the block before its single blocks."""
    later = lambda name: _BLOCK.sub(lambda found: f"{_BLOCKS}.{int(found[1]) + 1}.", name)
    return {later(name): value for name, value in state.items()} | {
        f"{_BLOCKS}.0.{name}": value for name, value in block.state_dict().items()
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument(
        "--pool", type=Path, required=True, help="with edits in it, or of clips"
    )
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    state = torch.load(args.checkpoint)
    blocks = {found[1] for name in state["raw"] if (found := _BLOCK.match(name))}
    net = Paperland(flow=CONFIG | {"num_single_layers": len(blocks)})
    net.load_state_dict(state["raw"])
    block = copying_block(*states(net, Batches(args.pool, 32, 1)))
    made = {name: grown(state[name], block) for name in ("raw", "ema")}
    torch.save(made | {"samples": state["samples"], "spent_s": 0.0}, args.out)


if __name__ == "__main__":
    main()

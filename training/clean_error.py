"""How well a model guesses the clean picture at each step: its mean squared error on single things
that no pool holds, on its own way there and where it is shown a mixture of noise and the truth.

    python -m training.clean_error --checkpoint FILE --vae FILE --kinds 327
"""

import argparse
import random
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import torch

from training import autoencoder
from training.captions import caption
from training.paperland import Paperland
from training.picture import draw
from training.pool import encode
from training.prompts import PromptEncoder
from training.sample import noise_levels
from training.scene import SINGLES, kinds_of_stage, sample_scene

_SEED = 4243


@torch.no_grad()
def errors(net, clean, noise, ids, grid, levels, own_way):
    """Squared errors of the clean picture, summed over scenes, at each level but the last: clean and
    noise N x P x 32, ids N x T of one length."""
    rotation = net.transformer.rotation(ids.shape[1], grid, (0,))
    real, found, x = torch.ones_like(ids, dtype=torch.bool), [], noise
    for now, then in zip(levels[:-1], levels[1:]):
        if not own_way:
            x = (1 - now) * clean + now * noise
        with torch.autocast("cpu", torch.bfloat16):
            velocity = net(x, now.expand(len(clean)), ids, real, *rotation, None).float()
        found.append((x - now * velocity - clean).square().mean((1, 2)).sum())
        x = x + (then - now) * velocity
    return torch.stack(found)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--vae", type=Path, required=True)
    parser.add_argument("--kinds", type=int, required=True)
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--count", type=int, default=250)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(_SEED)
    net, rng, words = Paperland(), random.Random(_SEED), PromptEncoder()
    net.load_shallower(torch.load(args.checkpoint)["ema"])
    vae = autoencoder.load(args.vae).to(memory_format=torch.channels_last)
    mix = replace(SINGLES, kinds=kinds_of_stage(args.kinds))
    scenes = [sample_scene(rng, (8, 8), mix) for _ in range(args.count)]
    clean = encode(vae, [draw(scene) for scene in scenes]).float()
    noise = torch.randn(clean.shape)
    by_length = defaultdict(list)
    for i, scene in enumerate(scenes):
        ids = words(caption(scene, rng, "plain"))
        by_length[len(ids)].append((i, ids))
    levels = noise_levels(args.steps)
    print("noise level", *(f"{level:.3f}" for level in levels[:-1]))
    for name, own_way in (("its own way", True), ("shown the truth", False)):
        total = sum(
            errors(net, clean[rows], noise[rows], torch.tensor(ids), (8, 8), levels, own_way)
            for rows, ids in (map(list, zip(*group)) for group in by_length.values())
        )
        print(name, *(f"{error:.4f}" for error in total / args.count))


if __name__ == "__main__":
    main()

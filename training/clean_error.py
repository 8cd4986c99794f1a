"""How well a model guesses the clean picture at each noise level: its mean squared error on single
things that no pool holds, with free noise and with noise that is tied to them (transport.py).

    python -m training.clean_error --checkpoint FILE --vae FILE --pool FOLDER --kinds 60
"""

import argparse
import random
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import torch

from training import autoencoder
from training.batches import Batches
from training.captions import caption
from training.paperland import Paperland
from training.picture import draw
from training.pool import encode
from training.prompts import PromptEncoder
from training.scene import SINGLES, kinds_of_stage, sample_scene
from training.transport import Transport

LEVELS = (1.0, 0.95, 0.9, 0.75, 0.5)
_SEED = 4243


@torch.no_grad()
def squared_error(net, scenes, clean, noise, ids, level):
    """Mean over scenes, captions of one length: clean and noise N x P x 32, ids N x T."""
    t = torch.full((len(clean),), level)
    grid = scenes[0].rows, scenes[0].columns
    rotation = net.transformer.rotation(ids.shape[1], grid, (0,))
    noisy = (1 - level) * clean + level * noise
    with torch.autocast("cpu", torch.bfloat16):
        velocity = net(noisy, t, ids, torch.ones_like(ids, dtype=torch.bool), *rotation, None)
    return (noisy - level * velocity.float() - clean).square().mean().item()


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--vae", type=Path, required=True)
    parser.add_argument("--pool", type=Path, required=True, help="whose scenes make the ties")
    parser.add_argument("--kinds", type=int, required=True)
    parser.add_argument("--count", type=int, default=250)
    args = parser.parse_args()
    torch.set_num_threads(1)
    net, rng, words = Paperland(), random.Random(_SEED), PromptEncoder()
    net.load_shallower(torch.load(args.checkpoint)["ema"])
    vae = autoencoder.load(args.vae).to(memory_format=torch.channels_last)
    rows = Batches(args.pool, size=1, seed=0).rows
    mix = replace(SINGLES, kinds=kinds_of_stage(args.kinds))
    scenes = [sample_scene(rng, (8, 8), mix) for _ in range(args.count)]
    clean = encode(vae, [draw(scene) for scene in scenes])
    _, subjects, made, _ = zip(*rows)
    transport = Transport(subjects + tuple(scenes), made + tuple(clean))
    by_length = defaultdict(list)
    for i, scene in enumerate(scenes):
        by_length[len(words(caption(scene, random.Random(i), "plain")))].append(i)
    print("noise level", *LEVELS)
    for name in ("free", "tied"):
        torch.manual_seed(_SEED)
        noise = torch.stack(
            [
                torch.randn(each.shape) if name == "free" else transport.noise(len(rows) + i)
                for i, each in enumerate(clean)
            ]
        )
        errors = [0.0] * len(LEVELS)
        for members in by_length.values():
            ids = torch.tensor(
                [words(caption(scenes[i], random.Random(i), "plain")) for i in members]
            )
            for at, level in enumerate(LEVELS):
                found = squared_error(
                    net, [scenes[i] for i in members], clean[members].float(), noise[members], ids,
                    level,
                )  # fmt: skip
                errors[at] += found * len(members) / len(scenes)
        print(name, *(f"{error:.4f}" for error in errors))


if __name__ == "__main__":
    main()

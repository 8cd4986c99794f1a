"""Renders scenes and stores their latents: the training set of the transformer.

    python -m training.pool --vae FILE --count 20000 --out FOLDER

Writes one shard after another; run again, it goes on behind the last. Training picks new shards up
while it runs.
"""

import argparse
import random
import time
from pathlib import Path

import torch

from training import autoencoder
from training.frames import sample_frame
from training.picture import draw
from training.prefetch import prefetch
from training.scene import Mix, sample_scene
from training.shards import Group, save_shard

_BATCH = 4
_SHARD = 400  # scenes
TRAINING_MIX = Mix(pairs=0.36, rows=0.14)


def sample_batch(rng, count, mix=TRAINING_MIX):
    """A frame and `count` scenes for it."""
    frame = sample_frame(rng)
    return frame, [sample_scene(rng, frame.extent, mix) for _ in range(count)]


def render_batch(rng, count, mix=TRAINING_MIX):
    """A frame, `count` scenes for it and their pixels, count x 3 x H x W."""
    frame, scenes = sample_batch(rng, count, mix)
    return frame, scenes, autoencoder.to_pixels([draw(scene, frame) for scene in scenes])


@torch.no_grad()
def encode_shard(vae, rng, count):
    groups = {}
    batches = count // _BATCH
    for frame, scenes, pixels in prefetch(lambda: render_batch(rng, _BATCH), batches):
        tokens = autoencoder.to_tokens(
            vae, autoencoder.encode(vae, pixels.contiguous(memory_format=torch.channels_last))
        )
        group = groups.setdefault(frame, ([], []))
        group[0].extend(scenes)
        group[1].append(tokens.half())
    return [Group(frame, scenes, torch.cat(tokens)) for frame, (scenes, tokens) in groups.items()]


def write_pool(vae, folder, count, seed, shard=_SHARD):
    folder.mkdir(parents=True, exist_ok=True)
    start = time.time()
    for index in range(-(-count // shard)):
        path = folder / f"{seed}-{index:04}.pt"
        if path.exists():
            continue
        save_shard(encode_shard(vae, random.Random(f"{seed}-{index}"), shard), path)
        print(f"{path.name}: {(index + 1) * shard} scenes, {time.time() - start:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vae", required=True)
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--shard", type=int, default=_SHARD)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    vae = autoencoder.load(args.vae).to(memory_format=torch.channels_last)
    write_pool(vae, args.out, args.count, args.seed, args.shard)


if __name__ == "__main__":
    main()

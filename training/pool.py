"""Draws scenes, edits and clips and stores their latents: the training set of the transformer.

    python -m training.pool --vae FILE --phase small --kinds 60 --count 20000 --out FOLDER

Phases: "compact" little more than the things themselves (drawings are learnt with half the tokens),
"small" pictures of all ratios with as many pixels as 512 x 512, "edits" of such, "full" of about a
megapixel, "parts" of those as "compact" ones are of small ones, "clips" of small pictures, "scrambled" small
pictures that are to stay as they are. Writes one shard after another; run again, it goes on behind the last. Training picks new shards up while it
runs.
"""

import argparse
import random
import time
from dataclasses import replace
from pathlib import Path

import torch

from training import autoencoder, clips, edits
from training.frames import FRAMES, SMALL, SQUARE
from training.picture import draw
from training.scene import SINGLES, STAGES, Mix, around_things, kinds_of_stage, sample_scene
from training.shards import Group, save_shard

_SHARD = 400  # subjects
_BATCH = 8  # pictures that are encoded together, of 512 x 512
_SQUARE_SHARE = 0.5  # of the pictures of the small and full phases
REFERENCE_TIME = 10  # the n-th reference stands at n times this
_MARGIN = 1  # token: a thing of eight that filled its picture would say that it is a small one
_BLOCK = 2  # tokens: side of what scrambled pictures are put together from
PHASES = ("compact", "small", "parts", "full", "edits", "clips", "scrambled")


def sample_grid(rng, square):
    """A grid of about as many pixels as a square frame."""
    if rng.random() < _SQUARE_SHARE:
        return square.grid
    return rng.choice(list(FRAMES.values())).within(square.width * square.height).grid


def sample_subject(rng, phase, kinds, mix, operations=()):
    mix = replace(mix, kinds=kinds)
    if phase == "edits":
        grid, operation = sample_grid(rng, SMALL), rng.choice(operations) if operations else None
        return edits.sample_edit(rng, grid, replace(SINGLES, kinds=kinds), operation)
    if phase == "clips":
        grid = sample_grid(rng, SMALL)
        return clips.part_of(clips.sample_clip(rng, grid, replace(SINGLES, kinds=kinds)), rng)
    if phase == "compact":
        return around_things(sample_scene(rng, SMALL.grid, mix))
    if phase == "parts":
        return around_things(sample_scene(rng, sample_grid(rng, SQUARE), mix), _MARGIN)
    return sample_scene(rng, sample_grid(rng, SQUARE if phase == "full" else SMALL), mix)


def pictures_of(subject):
    """(scenes to make, their times, given scenes, their times)."""
    if isinstance(subject, edits.Edit):
        count = len(subject.before)
        times = tuple(REFERENCE_TIME * (i + 1) for i in range(count))
        return (subject.after,), (0,), subject.before, times
    if isinstance(subject, clips.Clip):
        made = tuple(subject.frames[time] for time in subject.times)
        return made, subject.times, subject.frames[:1], (0,)
    return (subject,), (0,), (), ()


@torch.no_grad()
def encode(vae, pictures):
    """Pictures of one size -> tokens N x P x 32, float16."""
    tokens = []
    for i in range(0, len(pictures), _BATCH):
        pixels = autoencoder.to_pixels(pictures[i : i + _BATCH])
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            latents = autoencoder.encode(vae, pixels)
        tokens.append(autoencoder.to_tokens(vae, latents.float()).half())
    return torch.cat(tokens)


def _group(vae, key, subjects):
    grid, times, given_times = key
    parts = [pictures_of(subject) for subject in subjects]
    made = encode(vae, [draw(scene) for made, *_ in parts for scene in made])
    given = None
    if given_times:
        given = encode(vae, [draw(scene) for _, _, before, _ in parts for scene in before])
        given = given.view(len(subjects), -1, given.shape[-1])
    return Group(
        grid, subjects, made.view(len(subjects), -1, made.shape[-1]), times, given, given_times
    )


def encode_shard(vae, rng, count, phase, kinds, mix, operations=()):
    by_shape = {}
    for _ in range(count):
        subject = sample_subject(rng, phase, kinds, mix, operations)
        _, times, _, given_times = pictures_of(subject)
        key = (subject.rows, subject.columns), times, given_times
        by_shape.setdefault(key, []).append(subject)
    # A few subjects at a time, so that their pictures need little memory.
    pieces = [
        (key, subjects[i : i + _BATCH])
        for key, subjects in by_shape.items()
        for i in range(0, len(subjects), _BATCH)
    ]
    return [_group(vae, key, subjects) for key, subjects in pieces]


def _joined(groups):
    """Groups of one shape as one."""
    found = {}
    for group in groups:
        found.setdefault((group.grid, group.times, group.given_times), []).append(group)
    for (grid, times, given_times), parts in found.items():
        yield Group(
            grid,
            [subject for part in parts for subject in part.subjects],
            torch.cat([part.made for part in parts]),
            times,
            torch.cat([part.given for part in parts]) if given_times else None,
            given_times,
        )


def scrambled(group, rng):
    """Pictures of which half are put together of blocks of all, given and to be made alike. What a
    model has to copy it cannot draw from what it has read.
    """
    rows, columns = group.grid
    pictures = group.made.view(-1, rows, columns, group.made.shape[-1])
    mixed, order = pictures.clone(), list(range(len(pictures)))
    for top in range(0, rows, _BLOCK):
        for left in range(0, columns, _BLOCK):
            block = slice(top, top + _BLOCK), slice(left, left + _BLOCK)
            mixed[:, *block] = pictures[rng.sample(order, len(order))][:, *block]
    mixed[::2] = pictures[::2]
    tokens = mixed.view_as(group.made)
    kept = [edits.Edit(edits.KEEP, (scene,), scene) for scene in group.subjects]
    return replace(
        group, subjects=kept, made=tokens, given=tokens, given_times=(REFERENCE_TIME,)
    )


def write_pool(
    vae, folder, count, seed, phase, kinds, mix=Mix(), shard=_SHARD, operations=()
):
    folder.mkdir(parents=True, exist_ok=True)
    start = time.time()
    for index in range(-(-count // shard)):
        path = folder / f"{phase}-{len(kinds)}-{seed}-{index:04}.pt"
        if path.exists():
            continue
        rng = random.Random(path.stem)
        groups = list(_joined(encode_shard(vae, rng, shard, phase, kinds, mix, operations)))
        if phase == "scrambled":
            groups = [scrambled(group, rng) for group in groups]
        save_shard(groups, path)
        print(
            f"{path.name}: {(index + 1) * shard} subjects, {time.time() - start:.0f} s", flush=True
        )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vae", required=True, help="with a frozen encoder")
    parser.add_argument("--phase", choices=PHASES, nargs="+", default=["small"])
    parser.add_argument("--kinds", type=int, default=STAGES[-1], help=f"one of {STAGES}")
    parser.add_argument("--count", type=int, default=20000, help="of each phase")
    parser.add_argument("--shard", type=int, default=_SHARD)
    parser.add_argument("--single", type=float, help="share of single things, others as usual")
    parser.add_argument("--styled", type=float, default=Mix().styled)
    parser.add_argument(
        "--operations", nargs="+", choices=edits.OPERATIONS, default=[],
        help="of edits, one like the other and again as often as it is said; all as usual without",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    vae = autoencoder.load(args.vae).to(memory_format=torch.channels_last)
    mix = replace(Mix(), styled=args.styled)
    if args.single is not None:
        rest = (1 - args.single) / (mix.pairs + mix.rows + mix.groups + mix.empty)
        mix = replace(
            mix,
            pairs=mix.pairs * rest,
            rows=mix.rows * rest,
            groups=mix.groups * rest,
            empty=mix.empty * rest,
        )
    kinds = kinds_of_stage(args.kinds)
    for phase in args.phase:
        write_pool(vae, args.out, args.count, args.seed, phase, kinds, mix, args.shard, args.operations)


if __name__ == "__main__":
    main()

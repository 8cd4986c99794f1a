"""Trains and measures the picture autoencoder.

    python -m training.vae train --out FILE --minutes N [--begin FILE]  # encoder and decoder
    python -m training.vae freeze FILE --out FILE                       # fixes the encoder
    python -m training.vae train --init FILE --out FILE --minutes N     # the decoder alone
    python -m training.vae refit FILE --out FILE
    python -m training.vae measure FILE ... [--count 32]
    python -m training.vae store FILE --weights FOLDER                  # in half precision

Stopped and run again with the same arguments, training goes on.
"""

import argparse
import random
import signal
from pathlib import Path

import torch
import torch.nn.functional as F

from training import autoencoder, crops
from training.finish import finished
from training.frames import FRAMES, SMALL, SQUARE
from training.optimisers import Optimiser
from training.paths import WEIGHTS
from training.picture import draw
from training.prefetch import prefetch
from training.run import Run, RunningMean
from training.scene import Mix, sample_scene
from training.twin import Twin

# Of the L1 between pixels and of the root of each picture's mean square, which PSNR is made of: where
# an edge is a pixel wide nobody knows, so it is drawn soft and in its place, and finishing (finish.py)
# makes it steep.
_PIXEL_WEIGHT, _SQUARE_WEIGHT = 0.4, 0.6
_EDGE_WEIGHT = 0.25  # of the L1 between the pictures' gradients: what keeps thin lines
_COARSE_WEIGHT = 0.25  # of the L1 between the pictures in blocks: what makes tones right
_LATENT_WEIGHT = 1e-4  # of the latents' mean square, so that their scale stays put
# Strongest noise on latents, in standard deviations: samplers do not hit them exactly.
_NOISE = 0.10
_AVERAGE_EVERY = 2  # steps
_CROP = 256 * 256  # pixels that count as one crop


def losses(made, wanted):
    """What training minimises, and the mean square error; of pixels in -1..1."""
    d = made - wanted
    edges = (d[..., 1:, :] - d[..., :-1, :]).abs().mean() + (d[..., 1:] - d[..., :-1]).abs().mean()
    coarse = F.avg_pool2d(d, 8).abs().mean() + F.avg_pool2d(d, 32).abs().mean()
    return (
        _PIXEL_WEIGHT * d.abs().mean()
        + _SQUARE_WEIGHT * d.square().mean((1, 2, 3)).sqrt().mean()
        + _EDGE_WEIGHT * edges
        + _COARSE_WEIGHT * coarse,
        d.detach().square().mean(),
    )


def decibels(mean_square):
    """PSNR of a mean square error of pixels in -1..1."""
    return -10 * torch.log10(torch.as_tensor(mean_square) / 4)


def _freeze_encoder(vae):
    for name, p in vae.named_parameters():
        p.requires_grad_(name.startswith(("decoder.", "post_quant_conv.")))


def _filters(vae):
    """What Muon trains: the inner convolutions."""
    outer = ("decoder.conv_out", "encoder.conv_in", "post_quant_conv", "quant_conv")
    return [
        (p, None)
        for name, p in vae.named_parameters()
        if p.requires_grad and p.ndim == 4 and not name.startswith(outer)
    ]


def _noisy(z):
    strength = torch.rand(len(z), 1, 1, 1) * _NOISE
    spread = z.detach().std(dim=(0, 2, 3), keepdim=True)
    return z + torch.randn_like(z) * spread * strength


class Step:
    """The gradients of one batch of crops."""

    def __init__(self, seed, decoder_only, tiny=False):
        self.seed, self.decoder_only, self.tiny = seed, decoder_only, tiny
        self.pictures = None

    def __call__(self, vae):
        if self.pictures is None:  # in the process that uses it
            torch.manual_seed(self.seed)
            self.pictures = prefetch(crops.Crops(self.seed, self.tiny), depth=4)
        pixels = autoencoder.to_pixels(next(self.pictures))
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.set_grad_enabled(not self.decoder_only):
                z = autoencoder.encode(vae, pixels).float()
            made = autoencoder.decode(vae, _noisy(z))
        loss, square = losses(made.float(), pixels)
        (loss + _LATENT_WEIGHT * z.square().mean()).backward()
        return pixels.shape[0] * pixels.shape[2] * pixels.shape[3] // _CROP, square.item()

    def close(self):
        if self.pictures is not None:
            self.pictures.close()


def train(vae, run, args):
    decoder_only = args.init is not None
    if decoder_only:
        _freeze_encoder(vae)
    optimiser = Optimiser(vae, _filters(vae), (0.9, 0.98), 0.998)
    state = run.load()
    if state:
        optimiser.load(state)
    seed = args.seed + run.samples
    step = Step(seed, decoder_only, args.tiny)
    other = Step(seed + 1000000, decoder_only, args.tiny) if args.processes == 2 else None
    twin = Twin(vae, step, other)
    shown = RunningMean()
    while not run.over:
        found = twin.step()
        optimiser.step(args.learning_rate * run.rate(), _AVERAGE_EVERY, twin.each)
        run.tick(sum(count for count, _ in found))
        for _, square in found:
            shown.add(square)
        if run.steps % args.report_every == 0:
            print(
                f"crops {run.samples} spent {run.spent_s:.0f} s "
                f"psnr {decibels(shown.value):.2f} dB "
                f"rate {args.learning_rate * run.rate():.3f}",
                flush=True,
            )
        if run.steps % args.save_every == 0:
            run.save(optimiser.state())
    twin.close()
    step.close()
    run.save(optimiser.state())


@torch.no_grad()
def freeze(vae, pictures=200, seed=5):
    """Stores the tokens' mean and variance: from now on the encoder must not change."""
    rng, tokens = random.Random(seed), []
    for _ in range(pictures):
        pixels = autoencoder.to_pixels([draw(sample_scene(rng, (8, 8), Mix()))])
        tokens.append(autoencoder.patchify(autoencoder.encode(vae, pixels)).flatten(2)[0])
    found = torch.cat(tokens, 1)
    vae.bn.running_mean.copy_(found.mean(1))
    vae.bn.running_var.copy_(found.var(1))


@torch.no_grad()
def refit(vae, pictures, ridge, seed=31):
    """Solves the decoder's last convolution for the least square error on fresh pictures, given the
    features that it reads: a little sharper than gradient steps leave it.
    """
    last, features = vae.decoder.conv_out, {}
    hook = last.register_forward_pre_hook(lambda _, inputs: features.update(seen=inputs[0]))
    size = last.in_channels * 9 + 1
    gram, product = torch.zeros(size, size), torch.zeros(size, last.out_channels)
    rng = random.Random(seed)
    for i in range(pictures):
        grid = ((8, 8), (16, 16))[i % 2]
        pixels = autoencoder.to_pixels([draw(sample_scene(rng, grid, crops.MIX))])
        latents = autoencoder.encode(vae, pixels)
        with torch.autocast("cpu", torch.bfloat16):
            autoencoder.decode(vae, latents)
        seen = features["seen"].float()
        made = F.conv2d(seen, last.weight, last.bias, padding=1)
        missing = F.pixel_unshuffle(pixels, autoencoder.BORDER_SHUFFLE) - made
        patches = F.unfold(seen, 3, padding=1)[0].T
        patches = torch.cat((patches, torch.ones(len(patches), 1)), 1)
        gram += patches.T @ patches
        product += patches.T @ missing[0].flatten(1).T
    hook.remove()
    gram += ridge * gram.diagonal().mean() * torch.eye(size)
    change = torch.linalg.solve(gram.double(), product.double()).float()
    last.weight += change[:-1].T.reshape(last.weight.shape)
    last.bias += change[-1]


def edge_widths(made, wanted):
    """How wide straight upright edges are in a picture, in pixels from 10 to 90 %.

    made, wanted: grey rows x columns in 0..1. Edges are steps of `wanted` by more than 0.25 between
    two flat stretches of eight pixels.
    """
    reach, found = 8, []
    for y in range(4, wanted.shape[0], 9):
        row, made_row = wanted[y], made[y]
        for x in (row[1:] - row[:-1]).abs().gt(0.05).nonzero().flatten().tolist():
            if not reach < x < len(row) - reach - 2:
                continue
            left, right = row[x - reach : x - 1], row[x + 3 : x + reach + 2]
            low, high = left.mean(), right.mean()
            flat = max(left.max() - left.min(), right.max() - right.min()) < 0.01
            if not flat or (high - low).abs() < 0.25:
                continue
            part = (made_row[x - reach : x + reach + 2] - low) / (high - low)
            last_low = (part < 0.1).nonzero().flatten()
            first_high = (part > 0.9).nonzero().flatten()
            if len(last_low) and len(first_high):
                found.append(_crossing(part, 0.9) - _crossing(part, 0.1))
    return found


def _crossing(values, level):
    """Where a rising curve first passes a level, between its samples."""
    i = int((values > level).nonzero()[0])
    if i == 0:
        return 0.0
    a, b = float(values[i - 1]), float(values[i])
    return i - 1 + (level - a) / (b - a)


@torch.no_grad()
def measure(vae, grid, mix, count, seed=999):
    """PSNR as decoded and finished, and edge widths when finished, of round trips of pictures that
    training has not seen."""
    rng, found, widths = random.Random(seed), [], []
    for _ in range(count):
        pixels = autoencoder.to_pixels([draw(sample_scene(rng, grid, mix))])
        decoded = autoencoder.decode(vae, autoencoder.encode(vae, pixels)).clamp(-1, 1)
        made = finished(decoded)
        found.append(
            torch.stack([decibels((p - pixels).square().mean()) for p in (decoded, made)])
        )
        grey = lambda p: (p[0].mean(0) + 1) / 2
        widths += edge_widths(grey(made), grey(pixels))
    return torch.stack(found, 1), torch.tensor(widths or [float("nan")])


_TESTS = {
    "1024 flat": (SQUARE.grid, Mix(styled=0)),
    "512 flat": (SMALL.grid, Mix(styled=0)),
    "512 styles": (SMALL.grid, Mix(styled=1)),
    "16:9 flat": (FRAMES["16:9"].grid, Mix(styled=0)),
}


def _print_measures(paths, count):
    for path in paths:
        vae = autoencoder.load(path).to(memory_format=torch.channels_last)
        for name, (grid, mix) in _TESTS.items():
            (decoded, made), widths = measure(vae, grid, mix, count)
            print(
                f"{path} {name}: mean {made.mean():.2f} dB, worst {made.min():.2f} dB "
                f"({decoded.mean():.2f} as decoded), {count} pictures; "
                f"edges {widths.nanmedian():.1f} px ({len(widths)})",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train")
    training.add_argument("--init", help="frozen autoencoder whose decoder goes on")
    training.add_argument("--begin", help="autoencoder to begin with: all of it is trained")
    training.add_argument("--out", required=True)
    training.add_argument("--minutes", type=float, required=True, help="of all starts together")
    training.add_argument(
        "--decay",
        type=float,
        default=0.5,
        help="share of the time over which the learning rate falls",
    )
    training.add_argument(
        "--learning-rate", type=float, default=0.7, help="multiplies both optimisers' rates"
    )
    training.add_argument("--seed", type=int, default=1)
    training.add_argument("--report-every", type=int, default=50, help="steps")
    training.add_argument("--save-every", type=int, default=200, help="steps")
    training.add_argument("--tiny", action="store_true", help="tiny batches: does it run?")
    training.add_argument("--processes", type=int, choices=[1, 2], default=2)
    freezing = commands.add_parser("freeze")
    freezing.add_argument("file")
    freezing.add_argument("--out", required=True)
    freezing.add_argument("--pictures", type=int, default=200)
    refitting = commands.add_parser("refit")
    refitting.add_argument("file")
    refitting.add_argument("--out", required=True)
    refitting.add_argument("--pictures", type=int, default=24)
    refitting.add_argument("--ridge", type=float, default=1e-3, help="of the mean square feature")
    storing = commands.add_parser("store")
    storing.add_argument("file")
    storing.add_argument("--weights", type=Path, default=WEIGHTS)
    measuring = commands.add_parser("measure")
    measuring.add_argument("files", nargs="+")
    measuring.add_argument("--count", type=int, default=32)
    for command in (training, freezing, refitting, storing, measuring):
        command.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.command == "measure":
        _print_measures(args.files, args.count)
        return
    if args.command == "store":
        autoencoder.load(args.file).half().save_pretrained(args.weights / "vae")
        return
    if args.command == "train":
        begin = args.init or args.begin
        vae = autoencoder.load(begin).train() if begin else autoencoder.build()
        vae = vae.to(memory_format=torch.channels_last)
        run = Run(args.out, args.minutes, args.decay)
        run.stop_at(signal.SIGTERM)
        train(vae, run, args)
        return
    vae = autoencoder.load(args.file).to(memory_format=torch.channels_last)
    if args.command == "freeze":
        freeze(vae, args.pictures)
    else:
        refit(vae, args.pictures, args.ridge)
    torch.save(vae.state_dict(), args.out)


if __name__ == "__main__":
    main()

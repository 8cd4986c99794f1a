"""Trains the autoencoder's decoder on fresh renders; the encoder stays as it is, so latents stay
valid.

    python -m training.vae train --init FILE --minutes 100 --out FILE
    python -m training.vae refit FILE --out FILE
    python -m training.vae measure FILE ... [--count 48]

A decoder that is narrower than ours is widened first. Stopped and run again with the same
arguments, training goes on.
"""

import argparse
import random

import torch
import torch.nn.functional as F

from training import autoencoder
from training.frames import FRAMES, SQUARE
from training.optimisers import Optimiser
from training.picture import draw
from training.pool import TRAINING_MIX, render_batch
from training.prefetch import prefetch
from training.run import Run, RunningMean
from training.scene import Mix, sample_scene

_EDGE_WEIGHT = 0.5  # of the L1 between the pictures' gradients: what makes edges sharp
# Strongest noise on latents, in standard deviations: samplers do not hit them exactly.
_NOISE = 0.10
_NOISY_SHARE = 0.6
_REFIT_NOISE = 0.03
_AVERAGE_EVERY = 2  # steps


def differences(made, wanted):
    """L1, L1 of the gradients, mean square; of pixels in -1..1."""
    d = made - wanted
    edges = (d[..., 1:, :] - d[..., :-1, :]).abs().mean() + (d[..., 1:] - d[..., :-1]).abs().mean()
    return d.abs().mean(), edges, d.square().mean()


def decibels(mean_square):
    """PSNR of a mean square error of pixels in -1..1."""
    return -10 * torch.log10(torch.as_tensor(mean_square) / 4)


def _freeze_encoder(vae):
    for name, p in vae.named_parameters():
        p.requires_grad_(name.startswith(("decoder.", "post_quant_conv.")))


def _filters(vae):
    """What Muon trains: the decoder's inner convolutions."""
    return [
        (p, None)
        for name, p in vae.named_parameters()
        if p.requires_grad
        and p.ndim == 4
        and not name.startswith(("decoder.conv_out", "post_quant_conv"))
    ]


@torch.no_grad()
def _noisy_latents(vae, pixels):
    z = autoencoder.encode(vae, pixels)
    strength = (
        (torch.rand(len(z), 1, 1, 1) - (1 - _NOISY_SHARE)).clamp_min(0) / _NOISY_SHARE * _NOISE
    )
    return z + torch.randn_like(z) * z.std(dim=(0, 2, 3), keepdim=True) * strength


def train(vae, run, args):
    _freeze_encoder(vae)
    optimiser = Optimiser(vae, _filters(vae), (0.9, 0.98), 0.998)
    state = run.load()
    if state:
        optimiser.load(state)
    torch.manual_seed(args.seed + run.samples)
    rng = random.Random(args.seed + run.samples)
    shown = RunningMean()
    for _, _, pixels in prefetch(lambda: render_batch(rng, args.batch, TRAINING_MIX)):
        if run.over:
            break
        pixels = pixels.contiguous(memory_format=torch.channels_last)
        latents = _noisy_latents(vae, pixels)
        with torch.autocast("cpu", torch.bfloat16):
            made = autoencoder.decode(vae, latents)
        l1, edges, square = differences(made.float(), pixels)
        (l1 + _EDGE_WEIGHT * edges).backward()
        optimiser.step(args.learning_rate * run.rate(), _AVERAGE_EVERY)
        run.tick(args.batch)
        shown.add(square.item())
        if run.steps % args.report_every == 0:
            print(
                f"pictures {run.samples} spent {run.spent_s:.0f} s "
                f"psnr {decibels(shown.value):.2f} dB "
                f"rate {args.learning_rate * run.rate():.3f}",
                flush=True,
            )
        if run.steps % args.save_every == 0:
            run.save(optimiser.state())
    run.save(optimiser.state())


@torch.no_grad()
def refit(vae, pictures, ridge, seed=31):
    """Solves the decoder's last convolution for the least square error on fresh pictures, given the
    features that it reads: a little sharper than gradient steps leave it. Every second picture's
    latents carry some noise.
    """
    last, features = vae.decoder.conv_out, {}
    hook = last.register_forward_pre_hook(lambda _, inputs: features.update(seen=inputs[0]))
    size = last.in_channels * 9 + 1
    gram, product = torch.zeros(size, size), torch.zeros(size, last.out_channels)
    rng = random.Random(seed)
    for i in range(pictures):
        _, _, pixels = render_batch(rng, 1, TRAINING_MIX)
        latents = autoencoder.encode(vae, pixels)
        spread = latents.std(dim=(0, 2, 3), keepdim=True)
        latents = latents + torch.randn_like(latents) * spread * (i % 2) * _REFIT_NOISE
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


@torch.no_grad()
def measure(vae, frame, mix, count, seed=999):
    """PSNR of round trips of pictures that training has not seen: one figure per picture."""
    rng, found = random.Random(seed), []
    for _ in range(count):
        pixels = autoencoder.to_pixels([draw(sample_scene(rng, frame.extent, mix), frame)])
        made = autoencoder.decode(vae, autoencoder.encode(vae, pixels)).clamp(-1, 1)
        found.append(decibels((made - pixels).square().mean()))
    return torch.stack(found)


_TESTS = {
    "single": (SQUARE, Mix()),
    "pair": (SQUARE, Mix(pairs=1)),
    "row": (SQUARE, Mix(rows=1)),
    "16:9": (FRAMES["16:9"], Mix()),
    "9:16": (FRAMES["9:16"], Mix()),
}


def _print_measures(paths, count):
    for path in paths:
        vae = autoencoder.load(path).to(memory_format=torch.channels_last)
        for name, (frame, mix) in _TESTS.items():
            found = measure(vae, frame, mix, count)
            print(
                f"{path} {name}: mean {found.mean():.2f} dB, worst {found.min():.2f} dB, "
                f"{count} pictures",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train")
    training.add_argument("--init", required=True)
    training.add_argument("--out", required=True)
    training.add_argument("--minutes", type=float, required=True, help="of all starts together")
    training.add_argument(
        "--decay",
        type=float,
        default=0.6,
        help="share of the time over which the learning rate falls",
    )
    training.add_argument(
        "--learning-rate", type=float, default=0.4, help="multiplies both optimisers' rates"
    )
    training.add_argument("--batch", type=int, default=2)
    training.add_argument("--seed", type=int, default=1)
    training.add_argument("--report-every", type=int, default=50, help="steps")
    training.add_argument("--save-every", type=int, default=100, help="steps")
    refitting = commands.add_parser("refit")
    refitting.add_argument("file")
    refitting.add_argument("--out", required=True)
    refitting.add_argument("--pictures", type=int, default=24)
    refitting.add_argument("--ridge", type=float, default=1e-3, help="of the mean square feature")
    measuring = commands.add_parser("measure")
    measuring.add_argument("files", nargs="+")
    measuring.add_argument("--count", type=int, default=48)
    for command in (training, refitting, measuring):
        command.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.command == "measure":
        _print_measures(args.files, args.count)
        return
    if args.command == "refit":
        vae = autoencoder.load(args.file).to(memory_format=torch.channels_last)
        refit(vae, args.pictures, args.ridge)
        torch.save(vae.state_dict(), args.out)
        return
    vae = autoencoder.load(args.init)
    if autoencoder.decoder_channels_of(vae.state_dict()) != autoencoder.DECODER_CHANNELS:
        vae = autoencoder.widen(vae)
    train(vae.to(memory_format=torch.channels_last), Run(args.out, args.minutes, args.decay), args)


if __name__ == "__main__":
    main()

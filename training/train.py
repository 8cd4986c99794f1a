"""Joint training of the text encoder and the transformer on a pool of latents, along the sampler's
own steps (batches.py).

    python -m training.train --pool FOLDER [--init FILE] --minutes 100 --out FILE

Stopped and run again with the same arguments, it goes on where it was.
"""

import argparse
import signal
from pathlib import Path

import torch

from training.batches import WORDINGS, Batches
from training.optimisers import Optimiser
from training.paperland import Paperland
from training.run import Run, RunningMean
from training.twin import Twin

_AVERAGE_EVERY = 4  # steps
_RESCAN_EVERY = 200  # steps
_EXACT, _SMALL = 0.2, 1e-4  # the share of roots, and the squared error below which they are squares


def velocities(net, batch):
    """Velocity (noise - picture) of each sample where it is: N x P x 32."""
    shape = batch.shape
    rotation = net.transformer.rotation(
        batch.ids.shape[1], shape.grid, shape.times + shape.given_times
    )
    with torch.autocast("cpu", torch.bfloat16):
        velocity = net(batch.x, batch.now, batch.ids, batch.real, *rotation, batch.given)
    return velocity.float()


def picture_losses(batch, velocity):
    """Mean squared error of the clean picture that each velocity leads to, over the noise level, so
    that late steps, which can know more, are asked for more: N.

    Where pictures were given, each token's error counts besides by its root: most of their tokens
    are to stay as they are, and of squares the few that change would be all that is seen.
    """
    clean = batch.x - batch.now[:, None, None] * velocity
    errors = (clean - batch.made).square().mean(2)
    if batch.given is not None:
        errors = errors + _EXACT * (errors + _SMALL).sqrt()
    return errors.mean(1) / batch.now


class Step:
    """The gradients of one batch."""

    def __init__(self, folder, size, seed, wording, compiled):
        self.arguments, self.compiled, self.seed = (folder, size, seed, wording), compiled, seed
        self.batches, self.taken = None, 0

    def __call__(self, net):
        if self.batches is None:  # in the process that uses it
            torch.manual_seed(self.seed)
            self.batches = Batches(*self.arguments)
            if self.compiled:
                net.compile_blocks()
        self.taken += 1
        if self.taken % _RESCAN_EVERY == 0:
            self.batches.rescan()
        batch = self.batches.next()
        velocity = velocities(net, batch)
        losses = picture_losses(batch, velocity)
        losses.mean().backward()
        self.batches.go_on(batch, velocity.detach())
        self.batches.difficulty.tell(batch.subjects, batch.now, losses)
        return len(batch.made), losses.mean().item()


def train(net, twin, run, learning_rate, report_every, save_every):
    optimiser = Optimiser(net, [(p, parts) for _, p, parts in net.matrices()], (0.9, 0.97), 0.999)
    state = run.load()
    if state:
        optimiser.load(state)
    shown = RunningMean()
    while not run.over:
        found = twin.step()
        optimiser.step(learning_rate * run.rate(), _AVERAGE_EVERY, twin.each)
        run.tick(sum(count for count, _ in found))
        for _, loss in found:
            shown.add(loss)
        if run.steps % report_every == 0:
            print(
                f"samples {run.samples} spent {run.spent_s:.0f} s loss {shown.value:.4f} "
                f"rate {learning_rate * run.rate():.3f} subjects {len(twin.task.batches.rows)}",
                flush=True,
            )
        if run.steps % save_every == 0:
            run.save(optimiser.state())
    run.save(optimiser.state())


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pool", type=Path, required=True)
    parser.add_argument("--init", help="checkpoint to begin from; it may have fewer single blocks")
    parser.add_argument("--out", required=True)
    parser.add_argument("--minutes", type=float, required=True, help="of all starts together")
    parser.add_argument(
        "--decay",
        type=float,
        default=0.5,
        help="share of the time over which the learning rate falls",
    )
    parser.add_argument(
        "--learning-rate", type=float, default=1.0, help="multiplies both optimisers' rates"
    )
    parser.add_argument("--wording", choices=list(WORDINGS), default="rich")
    parser.add_argument("--batch", type=int, default=32, help="of each process")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report-every", type=int, default=100, help="steps")
    parser.add_argument("--save-every", type=int, default=300, help="steps")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--processes", type=int, choices=[1, 2], default=2)
    args = parser.parse_args()
    torch.set_num_threads(1)
    run, net = Run(args.out, args.minutes, args.decay), Paperland()
    run.stop_at(signal.SIGTERM)
    earlier = run.load()
    if args.init and not earlier:
        begin = torch.load(args.init)
        net.load_shallower(begin["raw"])
        run.samples = begin["samples"]
    seed = args.seed + run.samples
    step = lambda seed: Step(args.pool, args.batch, seed, args.wording, not args.no_compile)
    twin = Twin(net, step(seed), step(seed + 1000000) if args.processes == 2 else None)
    train(net, twin, run, args.learning_rate, args.report_every, args.save_every)
    twin.close()


if __name__ == "__main__":
    main()

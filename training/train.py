"""Joint flow-matching training of the text encoder and the transformer on a pool of latents.

    python -m training.train --pool FOLDER --init FILE --minutes 100 --out FILE

Stopped and run again with the same arguments, it goes on where it was.
"""

import argparse
from pathlib import Path

import torch

from training.batches import Batches
from training.optimisers import Optimiser
from training.paperland import Paperland
from training.run import Run, RunningMean

_AVERAGE_EVERY = 4  # steps
_TIME_SHIFT, _TIME_SPREAD, _TIME_UNIFORM = (
    0.5,
    1.0,
    0.1,
)  # logit-normal noise levels, a share of uniform ones


def noise_levels(count):
    t = torch.sigmoid(torch.randn(count) * _TIME_SPREAD + _TIME_SHIFT)
    return torch.where(torch.rand(count) < _TIME_UNIFORM, torch.rand(count), t)


def flow_loss(net, tokens, ids, real, grid):
    """Mean squared error of the velocity at random noise levels."""
    noise, t = torch.randn_like(tokens), noise_levels(len(tokens))
    w = t[:, None, None]
    with torch.autocast("cpu", torch.bfloat16):
        velocity = net(
            (1 - w) * tokens + w * noise,
            t,
            ids,
            real,
            *net.transformer.rotation(ids.shape[1], grid),
        )
    return (velocity.float() - (noise - tokens)).square().mean()


def train(net, batches, run, learning_rate, report_every, save_every):
    optimiser = Optimiser(net, [(p, parts) for _, p, parts in net.matrices()], (0.9, 0.97), 0.999)
    state = run.load()
    if state:
        optimiser.load(state)
    shown = RunningMean()
    while not run.over:
        (tokens, ids, real), grid = batches.next()
        loss = flow_loss(net, tokens, ids, real, grid)
        loss.backward()
        optimiser.step(learning_rate * run.rate(), _AVERAGE_EVERY)
        run.tick(len(tokens))
        shown.add(loss.item())
        if run.steps % report_every == 0:
            print(
                f"samples {run.samples} spent {run.spent_s:.0f} s loss {shown.value:.4f} "
                f"rate {learning_rate * run.rate():.3f} scenes {len(batches.rows)}",
                flush=True,
            )
        if run.steps % save_every == 0:
            run.save(optimiser.state())
            batches.rescan()
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
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report-every", type=int, default=100, help="steps")
    parser.add_argument("--save-every", type=int, default=500, help="steps")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    run, net = Run(args.out, args.minutes, args.decay), Paperland()
    earlier = run.load()
    run.samples = earlier["samples"] if earlier else 0
    torch.manual_seed(args.seed + run.samples)
    if args.init and not earlier:
        begin = torch.load(args.init)
        net.load_shallower(begin["raw"])
        run.samples = begin["samples"]
    if not args.no_compile:
        net.compile_blocks()
    train(
        net,
        Batches(args.pool, args.batch, args.seed + run.samples),
        run,
        args.learning_rate,
        args.report_every,
        args.save_every,
    )


if __name__ == "__main__":
    main()

"""The mean of two checkpoints of `train`, the second of which went on from the first: what a stage has
learnt with less of what it has forgotten (Wortsman et al. 2022, arXiv 2109.01903). Export it if the
score says so.

    python -m training.mean before.pt after.pt --share 0.7 --out mean.pt
"""

import argparse

import torch


def mean(before, after, share):
    """Of two states of the same names: 1 - share of the first and share of the second."""
    if before.keys() != after.keys():
        raise ValueError(f"not in both: {sorted(before.keys() ^ after.keys())}")
    return {name: torch.lerp(before[name], value, share) for name, value in after.items()}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--share", type=float, default=0.5, help="of the second")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    before, after = torch.load(args.before), torch.load(args.after)
    made = mean(before["ema"], after["ema"], args.share)
    # Training that goes on from it has no other weights than these.
    torch.save({"ema": made, "raw": made, "samples": after["samples"], "spent_s": 0.0}, args.out)


if __name__ == "__main__":
    main()

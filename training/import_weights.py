"""Makes checkpoints of a diffusers folder that export.py wrote, to go on training from.

    python -m training.import_weights [--weights models/paperland] --out FOLDER

Writes vae.pt and, once there is one, dit.pt; without optimiser state.
"""

import argparse
from pathlib import Path

import torch

from training import autoencoder, paperland
from training.paths import WEIGHTS


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.save(autoencoder.load_exported(args.weights).state_dict(), args.out / "vae.pt")
    print(args.out / "vae.pt")
    if not (args.weights / "transformer").exists():
        print(f"{args.weights} holds no transformer yet")
        return
    state = paperland.load_exported(args.weights).state_dict()
    torch.save({"raw": state, "ema": state, "samples": 0}, args.out / "dit.pt")
    print(args.out / "dit.pt")


if __name__ == "__main__":
    main()

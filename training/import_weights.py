"""Makes checkpoints of a diffusers folder that export.py wrote, to go on training from.

    python -m training.import_weights [--weights models/paperland] --out FOLDER

Writes vae.pt and dit.pt, without optimiser state.
"""

import argparse
from pathlib import Path

import torch
from diffusers import AutoencoderKLFlux2

from training.paperland import load_exported
from training.stock import WEIGHTS


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    state = load_exported(args.weights).state_dict()
    torch.save({"raw": state, "ema": state, "samples": 0}, args.out / "dit.pt")
    torch.save(
        AutoencoderKLFlux2.from_pretrained(args.weights / "vae", dtype=torch.float32).state_dict(),
        args.out / "vae.pt",
    )
    print(f"{args.out}/dit.pt, {args.out}/vae.pt")


if __name__ == "__main__":
    main()

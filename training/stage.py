"""One stage of training in one command: takes up the stored weights, draws the stage's scenes and
trains beside it as soon as the first are there.

    python -m training.stage small --out out --minutes 240

Stopped and run again, it goes on where it was. Score and export are said at the end.
"""

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from training.paths import WEIGHTS

_WAIT_S = 2


@dataclass(frozen=True)
class Stage:
    phases: tuple
    groups: str  # what to score
    wording: str = "rich"


# In the order of training; each goes on from the weights of the one before.
STAGES = {
    "small": Stage(
        ("compact", "small", "edits", "scrambled", "clips"),
        "single,new looks,pair,row,style,edits,clips",
    ),
    "full": Stage(("small", "parts", "full", "edits"), "single,pair,row,style,edits,16:9,9:16"),
    "world": Stage(("small", "full", "edits", "clips"), "single,pair,edits,clips,de", "world"),
}


def _part(name, *arguments):
    return [sys.executable, "-u", "-m", f"training.{name}", *map(str, arguments)]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stage", choices=list(STAGES))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, required=True, help="of all starts together")
    parser.add_argument("--count", type=int, default=20000, help="scenes of each phase")
    parser.add_argument("--weights", type=Path, default=WEIGHTS, help="where it goes on from")
    args, more = parser.parse_known_args()  # the rest is for training.train
    stage, out = STAGES[args.stage], args.out
    if not (out / "dit.pt").exists():
        subprocess.run(
            _part("import_weights", "--weights", args.weights, "--out", out), check=True
        )
    trained = out / f"{args.stage}.pt"
    pool = out / f"pool-{args.stage}"
    drawing = subprocess.Popen(
        _part(
            "pool", "--vae", out / "vae.pt", "--phase", *stage.phases, "--count", args.count,
            "--out", pool,
        )
    )  # fmt: skip
    try:
        while not list(pool.glob("*.pt")):
            if drawing.poll():
                raise SystemExit("the scenes could not be drawn")
            time.sleep(_WAIT_S)
        subprocess.run(
            _part(
                "train", "--pool", pool, "--wording", stage.wording,
                "--init", out / "dit.pt", "--out", trained, "--minutes", args.minutes, *more,
            ),
            check=True,
        )  # fmt: skip
    finally:
        drawing.terminate()
    side = 1024 if "full" in stage.phases else 512
    for part in ("score", "export"):
        groups = f" --groups '{stage.groups}'" if part == "score" else ""
        print(
            f"python -m training.{part} --checkpoint {trained} --vae {out / 'vae.pt'} "
            f"--side {side}{groups}"
        )


if __name__ == "__main__":
    main()

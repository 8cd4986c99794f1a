#!/usr/bin/env python3
"""Runs findings: each in a folder and a Python environment of its own, which are thrown away.

    findings/run.py              all of them
    findings/run.py NAME...      these

A finding is findings/NAME.py. Its lines "# packages: A==1 B==2" name what is installed for it, from
the configured index; with several such lines it runs once for each, so that it can compare
versions. It prints what it saw and ends with 0 while the program still behaves so.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent


def environments(script: pathlib.Path) -> list[list[str]]:
    """The packages of each run, every one pinned."""
    rows = [line.split() for line in re.findall(r"^# packages:(.*)$", script.read_text(), re.M)]
    loose = [package for row in rows for package in row if "==" not in package]
    if loose or not rows:
        sys.exit(f"{script.name}: name its packages with exact versions, got {loose or 'none'}")
    return rows


def run(script: pathlib.Path, packages: list[str]) -> bool:
    print(f"== {script.stem} with {' '.join(packages)}", flush=True)
    with tempfile.TemporaryDirectory(prefix="finding-") as folder:
        python = pathlib.Path(folder) / "venv/bin/python"
        subprocess.run([sys.executable, "-m", "venv", f"{folder}/venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check",
                        *packages], check=True)
        # -I: nothing from outside but what was installed here.
        ended = subprocess.run([python, "-I", script], cwd=folder)
    print("as described" if ended.returncode == 0 else "NOT as described", flush=True)
    return ended.returncode == 0


def main(names: list[str]) -> int:
    known = {path.stem: path for path in sorted(FOLDER.glob("*.py")) if path.stem != "run"}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"findings: there is no {unknown[0]}; there are {', '.join(known)}")
    chosen = [known[name] for name in names or known]
    results = [run(script, packages) for script in chosen for packages in environments(script)]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

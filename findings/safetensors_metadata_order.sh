#!/usr/bin/env bash
# safetensors writes the same weights and the same metadata as another file each time.
#
# Seen with safetensors 0.8.0. Tensors stand in the header in an order that their names and types settle, so a
# file without metadata, or with one entry, is the same each time. Two entries and more are written in an
# order that changes from call to call in one process: eight entries saved fifty times make dozens of different
# files, all of which hold the same.
#
# Why it matters: trainers of LoRA write dozens of entries (rank, alpha, dates, tags). The SHA-256 by which
# model sites and caches know a file says "another model" when the same one is saved again, and a build that
# is to give the same bytes does not. Compare tensors, or the bytes behind the header.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages safetensors==0.8.0 numpy==2.4.6 <<'PY'
import json

import numpy as np
from safetensors.numpy import save

WEIGHTS = {"lora_up": np.zeros((2, 4), np.float32), "lora_down": np.zeros((4, 2), np.float16)}


def files(entries):
    """The different files that fifty calls with these metadata make."""
    metadata = {f"ss_{entry}": str(entry) for entry in range(entries)} or None
    return {save(WEIGHTS, metadata) for _ in range(50)}


def parts(file):
    behind = 8 + int.from_bytes(file[:8], "little")
    return json.loads(file[8:behind]), file[behind:]


for entries in (0, 1, 2, 8):
    made = files(entries)
    print(entries, "entries:", len(made), "different files")
    assert len(made) == 1 if entries < 2 else len(made) > 1
assert len(made) > 20

first = made.pop()
assert all(parts(file) == parts(first) for file in made)
PY

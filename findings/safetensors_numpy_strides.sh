#!/usr/bin/env bash
# safetensors.numpy saves an array that is no contiguous block as other numbers, without a word.
#
# Seen with safetensors 0.8.0 and numpy 2.2.6. `save_file` writes the shape of the array that it is
# given and the bytes as they lie in memory from its first element on, whatever its strides. A
# transposed matrix comes back as the numbers of the matrix itself in the transposed shape; every
# second element of a vector comes back as its first half. The same call for torch refuses such tensors
# and names the remedy.
#
# Why it matters: who converts weights with numpy (a Linear stored the other way round, one half of a
# fused matrix) writes a model that loads everywhere and draws noise. np.ascontiguousarray before
# saving is right.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

program() {
  cat <<'PY'
import numpy as np
from safetensors.numpy import load_file, save_file


def back(array):
    save_file({"x": array}, "x.safetensors")
    return load_file("x.safetensors")["x"]


matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
print("saved ", matrix.T.tolist())
print("loaded", back(matrix.T).tolist())
assert back(matrix.T).shape == (3, 2)
assert not np.array_equal(back(matrix.T), matrix.T)
assert np.array_equal(back(matrix.T).ravel(), matrix.ravel())

row = np.arange(8, dtype=np.float32)
print("saved ", row[::2].tolist())
print("loaded", back(row[::2]).tolist())
assert np.array_equal(back(row[::2]), row[:4])

assert np.array_equal(back(np.ascontiguousarray(matrix.T)), matrix.T)
PY
}

program | with_packages safetensors==0.8.0 numpy==2.2.6

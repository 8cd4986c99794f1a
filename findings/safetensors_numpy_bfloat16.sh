#!/usr/bin/env bash
# safetensors.numpy saves bfloat16 and float8 arrays that it does not load: bfloat16 from bytes, float8 from nowhere.
#
# Seen with safetensors 0.8.0, numpy 2.4.6 and ml_dtypes 0.6.0, whose types numpy takes as its own. `save` and `save_file` write arrays
# of them, and list them among the types that they know. `load_file` brings bfloat16 back and `load`, given the bytes of that same file,
# raises KeyError, 'BF16'; of float8 `load` raises KeyError and `load_file` AttributeError, "module 'numpy' has no attribute
# 'float8_e4m3fn'". The name is looked up in numpy itself, where bfloat16 alone is let through another door. The header and the bytes
# are right: read by hand, the numbers are there.
#
# Why it matters: published weights are in bfloat16 or float8 and reach a converter as bytes (over HTTP, out of an archive) as well as files.
# A tool that saves with numpy can't check what it has saved. The file is to be read by hand, or with PyTorch.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages safetensors==0.8.0 numpy==2.4.6 ml_dtypes==0.6.0 <<'PY'
import json
import pathlib

import ml_dtypes
import numpy as np
from safetensors.numpy import load, load_file, save, save_file

NUMBERS = [[1, 2, 0.5, -4]]


def outcome(reader, given):
    """The numbers, or the error's kind and text."""
    try:
        return reader(given)["x"].astype(np.float32).tolist()
    except Exception as error:  # whichever it is, it is printed and compared
        return f"{type(error).__name__}: {error}"


def by_hand(data, dtype):
    start = 8 + int.from_bytes(data[:8], "little")
    entry = json.loads(data[8:start])["x"]
    first, last = entry["data_offsets"]
    array = np.frombuffer(data[start + first:start + last], dtype).reshape(entry["shape"])
    return entry["dtype"], array.astype(np.float32).tolist()


def seen(name):
    array = np.array(NUMBERS, getattr(ml_dtypes, name, None) or name)
    save_file({"x": array}, "x.safetensors")
    data = pathlib.Path("x.safetensors").read_bytes()
    assert data == save({"x": array})
    stored, numbers = by_hand(data, array.dtype)
    assert numbers == NUMBERS
    file, memory = outcome(load_file, "x.safetensors"), outcome(load, data)
    print(f"{name}, stored as {stored}: load_file {file}, load {memory}")
    return stored, file, memory


def no_attribute(name):
    return f"AttributeError: module 'numpy' has no attribute '{name}'"


assert seen("float16") == ("F16", NUMBERS, NUMBERS)
assert seen("bfloat16") == ("BF16", NUMBERS, "KeyError: 'BF16'")
assert seen("float8_e4m3fn") == ("F8_E4M3", no_attribute("float8_e4m3fn"), "KeyError: 'F8_E4M3'")
assert seen("float8_e5m2") == ("F8_E5M2", no_attribute("float8_e5m2"), "KeyError: 'F8_E5M2'")
PY

#!/usr/bin/env bash
# On a CPU PyTorch's group norm loses half of float's digits when its input is channels_last.
#
# Seen with PyTorch 2.15.0 on the CPU, float32. Of a contiguous tensor the result is right to 2e-7 at any size. Of the
# same numbers in the layout channels_last it gets worse with the pixels, as a plain running sum in float does: 5e-6 at
# 64 x 64, 6e-4 at 1024 x 1024 (one thread; more of them sum in parts and lose less), where the mean is some three times the
# deviation.
#
# Why it matters: diffusers' image processor hands pictures on channels_last, and the VAE's group norms see millions of
# numbers a group. Latents of a megapixel reference come out some 3e-4 off, about what bf16 would cost. Whoever compares
# with diffusers in float32 compares with that: our recordings make their pictures contiguous first.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages torch==2.15.0 numpy==2.4.6 <<'PY'
import torch
from torch.nn.functional import group_norm

GROUPS = 8


def error(pixels, layout):
    """Relative RMS against the same in double."""
    torch.manual_seed(0)
    picture = torch.rand(1, 32, pixels, pixels) + 0.5
    right = group_norm(picture.double(), GROUPS)
    off = group_norm(picture.contiguous(memory_format=layout), GROUPS).double() - right
    return (off.pow(2).mean() / right.pow(2).mean()).sqrt().item()


torch.set_num_threads(1)
for pixels, least in ((64, 1e-6), (256, 1e-5), (1024, 1e-4)):
    plain, last = error(pixels, torch.contiguous_format), error(pixels, torch.channels_last)
    print(f"{pixels} x {pixels}: contiguous {plain:.1e}, channels_last {last:.1e}")
    assert plain < 5e-7 and last > least
PY

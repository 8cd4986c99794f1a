#!/usr/bin/env bash
# A value of -0.001 in one pixel of a float picture makes scikit-image's PSNR 6 dB better.
#
# Seen with scikit-image 0.26.0. `data_range` is taken from the type of the pictures, says peak_signal_noise_ratio, which for floats is 1. It is also taken from
# the first picture's values: if one of them is negative the range is 2, from -1 to 1, and the PSNR is 6.02 dB higher, without a warning. So with the arguments
# in the other order a pair has another PSNR, though the mean of squared errors is the same, and a step that clips to 0 makes the number worse. A value above 1, as
# small, raises ValueError. The sister function structural_similarity refuses floats without `data_range`.
#
# Why it matters: what a decoder or a Lanczos filter gives goes a little below 0 in black. A mean over many pictures mixes two scales, and a model
# looks 6 dB better than another with half the error. Name `data_range`.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages scikit-image==0.26.0 numpy==2.4.6 <<'PY'
import numpy as np
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

random = np.random.default_rng(0)
decoded = random.random((64, 64)) * 0.9 + 0.05
other = decoded + random.normal(0, 0.02, decoded.shape).clip(-0.04, 0.04)
decoded[5, 5] = other[5, 5] = 0
below, above = decoded.copy(), decoded.copy()
below[5, 5] = -0.001
above[5, 5] = 1.001


def psnr(*pair, **options):
    return float(peak_signal_noise_ratio(*pair, **options))


usual, odd, turned = psnr(decoded, other), psnr(below, other), psnr(other, below)
told = psnr(below, other, data_range=1)
print(f"{usual:.2f} dB; with one value of -0.001 {odd:.2f} dB, told the range {told:.2f} dB, in the other order {turned:.2f} dB")
assert other.min() >= 0
assert mean_squared_error(below, other) > mean_squared_error(decoded, other)
assert abs(told - usual) < 0.001 and abs(told - turned) < 1e-9
assert abs(odd - told - 20 * np.log10(2)) < 1e-9
clipped = psnr(below.clip(0, 1), other)
print(f"clipped to 0 {clipped:.2f} dB")
assert clipped < odd - 6

try:
    psnr(above, other)
    raise SystemExit("taken")
except ValueError as error:
    print(f"with 1.001: {error}")
try:
    structural_similarity(below, other)
    raise SystemExit("taken")
except ValueError as error:
    print(f"structural_similarity: {error}")
PY

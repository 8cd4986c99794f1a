#!/usr/bin/env bash
# transformers resizes a picture of floats that has only black and white in it to black and white, and any other one with its greys.
#
# Seen with transformers 5.24.0, without PyTorch. A picture may be an array of floats from 0 to 1, with `do_rescale=False`, say the image processors. To be
# resized it becomes one of bytes, and whether it is multiplied by 255 is guessed: not if every value is whole, as in a picture that goes to 255. A black and
# white picture from 0 to 1 is taken for one that is almost black, and after the resize it has two values, 0 and 1, in integers: the
# bilinear filter's greys are rounded away. One grey pixel in a far corner, and all edges are smooth, as they are of the same picture in
# bytes. There is no warning.
#
# Why it matters: masks, line drawings and printed text are black and white. The encoder is shown them with jagged edges and without what is thinner than
# half a new pixel: four lines of 64 pixels are gone. A test with a photograph does not see it. Hand over bytes.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages transformers==5.24.0 numpy==2.4.6 pillow==13.0.0 <<'PY'
import logging

import numpy as np

logging.disable(logging.WARNING)  # that there is no PyTorch
from transformers import CLIPImageProcessorPil, SiglipImageProcessorPil

SIDE, SMALL = 64, 16
processors = {
    "CLIP": CLIPImageProcessorPil(size={"shortest_edge": SMALL}, do_center_crop=False, do_normalize=False, resample=2),
    "SigLIP": SiglipImageProcessorPil(size={"height": SMALL, "width": SMALL}, do_normalize=False, resample=2),
}


def prepared(processor, picture, do_rescale):
    """A row of the resized picture, first channel, from 0 to 1."""
    values = processors[processor](picture, do_rescale=do_rescale, return_tensors="np")["pixel_values"]
    return np.asarray(values)[0, 0, SMALL // 2]


square = np.zeros((SIDE, SIDE, 3), np.float32)
square[20:44, 21:43] = 1
lines = np.ones((SIDE, SIDE, 3), np.float32)
lines[:, 9:64:16] = 0

for processor in processors:
    for name, picture in {"a square": square, "four thin lines": lines}.items():
        spotted = picture.copy()
        spotted[0, 0] = 0.5
        black_white = prepared(processor, picture, False)
        with_grey = prepared(processor, spotted, False)
        as_bytes = prepared(processor, (picture * 255).astype(np.uint8), True)
        print(f"{processor}, {name}: {black_white.dtype} {black_white}, with a grey pixel {with_grey.round(2)}")
        assert black_white.dtype == np.uint8 and set(black_white.tolist()) <= {0, 1}
        assert with_grey.dtype == np.float32 and np.abs(with_grey - as_bytes).max() < 1e-6
        assert np.abs(with_grey - black_white).max() > 0.2
        if picture is lines:
            assert black_white.min() == 1 and with_grey.min() < 0.8  # no line is left
PY

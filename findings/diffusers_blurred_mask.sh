#!/usr/bin/env bash
# A mask that was blurred with diffusers' own `blur` is hard again before the pipeline uses it, and may be gone.
#
# Seen with diffusers 0.42.1 and PyTorch 2.15 (CPU), FluxInpaintPipeline. The guide to inpainting blurs masks with
# `pipeline.mask_processor.blur(mask, blur_factor=...)` so that the edge between old and new becomes soft, softer with a
# larger factor. The same processor then cuts the mask at one half. A straight edge is where it was, and the picture
# the same to the bit; of a square the corners go; one that is narrow against the factor, 32 pixels at 33, the guide's factor, leaves an
# empty mask, and the call gives the old picture back, after all its steps. No warning is given.
#
# Why it matters: seams at the mask's edge stay whatever the factor is, and small repairs are not made.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
import numpy as np
from diffusers import FluxInpaintPipeline
from PIL import Image

SIDE = 128
pipeline = tiny_pipeline(tiny_transformer(), tiny_vae(), kind=FluxInpaintPipeline)
prompt = tiny_prompt()
house = Image.fromarray(np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8))


def mask(*box):
    picture = Image.new("L", (SIDE, SIDE), 0)
    picture.paste(255, box)
    return picture


def drawn(masked):
    return pipeline(image=house, mask_image=masked, strength=1.0, num_inference_steps=3, height=SIDE, width=SIDE,
                    generator=torch.Generator().manual_seed(1), output_type="np", **prompt).images


def blurred(name, hard, factor):
    """The pixels masked before and after a blur, and how far the pictures are apart."""
    soft = pipeline.mask_processor.blur(hard, blur_factor=factor)
    assert len(set(soft.tobytes())) > 10
    before, after = (pipeline.mask_processor.preprocess(one) for one in (hard, soft))
    assert set(after.unique().tolist()) <= {0, 1}
    far = float(abs(drawn(hard) - drawn(soft)).max())
    print(f"{name}, factor {factor}: {int(before.sum())} pixels masked, {int(after.sum())} after the blur, "
          f"pictures {far:.4f} apart")
    return int(before.sum()), int(after.sum()), far


for factor in (4, 16, 33):
    before, after, far = blurred("half the picture", mask(0, 0, SIDE // 2, SIDE), factor)
    assert before == after and far == 0
before, after, _ = blurred("a square", mask(48, 48, 80, 80), 4)
assert before == 1024 and 900 < after < before
before, after, far = blurred("a square", mask(48, 48, 80, 80), 33)
assert after == 0 and far > 0.1
assert abs(drawn(pipeline.mask_processor.blur(mask(48, 48, 80, 80), 33)) - drawn(mask(0, 0, 0, 0))).max() == 0
PY

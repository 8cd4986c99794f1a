#!/usr/bin/env bash
# diffusers resizes an array or a tensor by nearest neighbour, whatever filter is set; of a PIL picture it uses the filter.
#
# Seen with diffusers 0.42.1 and PyTorch 2.15 (CPU). `resample` of VaeImageProcessor is, by its text, the filter used when an image is
# resized, lanczos unless another is named, and pictures may come as PIL, as an array or as a tensor. The latter two go
# through torch.nn.functional.interpolate without a mode. Stripes of one pixel, halved, become even grey from PIL and pure black as an array.
# An image-to-image pipeline given the same picture in both forms draws two pictures. Nothing is said.
#
# Why it matters: who keeps pictures as arrays, as datasets and output_type="np" do, gets jagged and moiréd input for every size that
# is not the model's, and worse results than the paper that used files.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
import numpy as np
from diffusers import FluxImg2ImgPipeline
from diffusers.image_processor import VaeImageProcessor
from PIL import Image

stripes = np.zeros((64, 64, 3), np.uint8)
stripes[:, 1::2] = 255
pil = Image.fromarray(stripes)
array = stripes[None].astype(np.float32) / 255
tensor = torch.from_numpy(array).permute(0, 3, 1, 2)


def halved(picture, **options):
    """The mean and the spread, of -1 to 1, of the stripes in half their size, without the edges."""
    small = VaeImageProcessor(**options).preprocess(picture, 32, 32)[..., 4:-4]
    print(f"{type(picture).__name__} {options}: mean {small.mean():.3f}, spread {small.std():.3f}")
    return round(float(small.mean()), 1), round(float(small.std()), 1)


for options in ({}, {"resample": "bilinear"}, {"resample": "lanczos"}):
    assert halved(pil, **options) == (0, 0)
    assert halved(array, **options) == halved(tensor, **options) == (-1, 0)

transformer = tiny_transformer()
vae = tiny_vae()
prompt = tiny_prompt()
pipeline = tiny_pipeline(transformer, vae, kind=FluxImg2ImgPipeline)


def drawn(picture, side):
    return pipeline(image=picture, strength=0.5, num_inference_steps=2, height=side, width=side, output_type="np",
                    generator=torch.Generator().manual_seed(1), **prompt).images


same, other = (float(abs(drawn(pil, side) - drawn(array, side)).max()) for side in (64, 32))
print(f"pictures of PIL and array: {same:.4f} apart in the given size, {other:.4f} in half of it")
assert same < 1e-5 and other > 0.01
PY

#!/usr/bin/env bash
# With four steps, diffusers' image-to-image ignores the given picture from a strength of 0.76 on.
#
# Seen with diffusers 0.42.1 and PyTorch 2.15 on the CPU, FluxImg2ImgPipeline. Its text says that 1 "essentially
# ignores" the picture and that less keeps more of it. The strength becomes a whole number of steps to leave
# out, rounded down: with four steps 0.76 leaves out none, so that the work starts from pure noise, and two
# different pictures give the same result to the last bit, without a warning. 0.6, 0.7 and 0.75 are one
# strength as well. With 28 steps the picture counts up to 0.96. Flux2KleinInpaintPipeline counts in the same
# way, and its default strength is 0.8: with klein's four steps the default is 1.
#
# Why it matters: models distilled to four steps (schnell, klein) are those that run on small machines. Who
# serves a strength has to count in steps, or take the level of noise from the strength itself.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
import inspect
from types import SimpleNamespace

import numpy as np
from diffusers import Flux2KleinInpaintPipeline, FluxImg2ImgPipeline
from PIL import Image

pipeline = tiny_pipeline(tiny_transformer(), tiny_vae(), kind=FluxImg2ImgPipeline)
prompt = tiny_prompt()
red = Image.new("RGB", (32, 32), "red")
noisy = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8))


def drawn(image, strength, steps):
    return pipeline(image=image, strength=strength, num_inference_steps=steps, height=32, width=32,
                    generator=torch.Generator().manual_seed(1), output_type="np", **prompt).images


def told_apart(strength, steps):
    """The largest difference that another given picture makes, pixels being 0 to 1."""
    far = float(abs(drawn(red, strength, steps) - drawn(noisy, strength, steps)).max())
    print(f"{steps} steps, strength {strength}: another picture makes a difference of {far:.3f}")
    return far


assert told_apart(0.75, 4) > 0.01
for strength in (0.76, 0.8, 0.9, 1.0):
    assert told_apart(strength, 4) == 0
assert told_apart(0.8, 28) > 0.01 and told_apart(0.96, 28) > 0
assert np.array_equal(drawn(red, 0.6, 4), drawn(red, 0.75, 4))

klein = SimpleNamespace(scheduler=FlowMatchEulerDiscreteScheduler())  # all that its get_timesteps looks at
klein.scheduler.set_timesteps(4)
default = inspect.signature(Flux2KleinInpaintPipeline.__call__).parameters["strength"].default
times, _ = Flux2KleinInpaintPipeline.get_timesteps(klein, 4, default, "cpu")
print(f"klein, 4 steps, strength {default}: starts at {times[0]:.0f} of 1000, pure noise")
assert default == 0.8 and len(times) == 4 and times[0] == 1000
PY

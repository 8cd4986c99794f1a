#!/usr/bin/env bash
# With a `shift_terminal`, as Qwen-Image has it, diffusers makes a picture of one step black: the step's time is no number.
#
# Seen with diffusers 0.42.1 and PyTorch 2.15 (CPU), in a Flux pipeline. `shift_terminal` is the value at which the shifted sigmas shall end, 0.02 or
# 0.1; FlowMatchEulerDiscreteScheduler stretches the list to it. A list of one sigma begins and ends with 1, and the stretch is 0 divided by 0: sigmas
# are [nan, 0]. The network is run at time nan and gives nan everywhere, and the picture is black, without an error. A loop of one's own
# that only calls the scheduler's step() gets an IndexError instead, about a dimension of size 0. Two steps end at the value as they should, and
# without `shift_terminal` one step is fine.
#
# Why it matters: one step is what a test of an installation takes, and what some distilled models are made for. A black picture
# is looked for in the weights, in half precision or in a filter for content. For one step set `shift_terminal` to None.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
import warnings

import numpy as np

warnings.simplefilter("ignore", RuntimeWarning)
transformer, vae, prompt = tiny_transformer(), tiny_vae(), tiny_prompt()
predictions = []
transformer.register_forward_hook(lambda _, given, output: predictions.append(output[0]))


def drawn(steps, **config):
    """The scheduler, its sigmas, for each pass of the network whether it gave numbers, and how many values the picture has."""
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=0.5, max_shift=0.9, **config)
    predictions.clear()
    picture = tiny_pipeline(transformer, vae, scheduler)(num_inference_steps=steps, height=32, width=32, **prompt).images[0]
    sigmas = scheduler.sigmas.tolist()
    numbers = [bool(torch.isfinite(prediction).all()) for prediction in predictions]
    values = np.unique(np.asarray(picture)).tolist()
    print(f"{config}, {steps} steps: sigmas {[round(sigma, 3) for sigma in sigmas]}, passes {numbers}, "
          f"a picture of {len(values)} values, from {values[0]} to {values[-1]}")
    return scheduler, sigmas, numbers, values


for terminal in (0.02, 0.1):
    scheduler, sigmas, numbers, values = drawn(1, shift_terminal=terminal)
    assert sigmas[0] != sigmas[0] and sigmas[1] == 0  # only nan differs from itself
    assert numbers == [False] and values == [0]
    scheduler.set_timesteps(sigmas=[1.0], mu=0.5)
    try:
        scheduler.step(torch.ones(1), scheduler.timesteps[0], torch.ones(1))
        raise SystemExit("stepped")
    except IndexError as error:
        print("step() by itself:", error)
    _, sigmas, numbers, values = drawn(2, shift_terminal=terminal)
    assert abs(sigmas[1] - terminal) < 1e-6 and numbers == [True, True] and len(values) > 10
_, sigmas, numbers, values = drawn(1)
assert sigmas == [1, 0] and numbers == [True] and len(values) > 10
PY

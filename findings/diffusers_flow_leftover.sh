#!/usr/bin/env bash
# With DEIS or SA-Solver as the scheduler of a flow model, diffusers hands over a picture in which a tenth is still noise.
#
# Seen with diffusers 0.42.1 and PyTorch 2.15 on the CPU. The multistep schedulers take `use_flow_sigmas` and `flow_shift`, for models such
# as Wan and Sana, and one is put for another with `from_config`; UniPC names DEIS among those compatible with it. UniPC and
# DPM-Solver end at sigma 0. DEIS and SA-Solver repeat the last sigma but one: their last step goes nowhere, its pass through the network is
# paid for and changes nothing, and the noise of that sigma stays, 9 % of the picture with 50 steps and a shift of 5, 50 % with
# 4 steps and a shift of 3. No warning is given and no option ends them at 0. Shown with a network that knows the way exactly.
#
# Why it matters: fewer steps are what these solvers are chosen for, and they leave the more noise. It looks like a model
# that needs more steps, or like a decoder gone wrong, and a comparison of solvers measures the noise.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
from diffusers import (DEISMultistepScheduler, DPMSolverMultistepScheduler, SASolverScheduler,
                       UniPCMultistepScheduler)

clean, noise = torch.full((1, 4, 16, 16), 0.5), torch.randn(1, 4, 16, 16)


def left(kind, steps, shift):
    """The scheduler's last sigma, the noise's part of the result, and how far the last step went."""
    unipc = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift)
    scheduler = kind.from_config(unipc.config)
    scheduler.set_timesteps(steps)
    sample, generator = noise, torch.Generator().manual_seed(1)
    stochastic = {"generator": generator} if kind is SASolverScheduler else {}
    for sigma, time in zip(scheduler.sigmas.tolist(), scheduler.timesteps):
        before = sample
        sample = scheduler.step((sample - clean) / sigma, time, sample, return_dict=False, **stochastic)[0]
    last, way = scheduler.sigmas[-1].item(), (sample - before).abs().max().item()
    rest = (sample.std() / noise.std()).item()
    name = kind.__name__.removesuffix("Scheduler")
    print(f"{name}, {steps} steps, shift {shift:g}: ends at sigma {last:.3f}, {rest:.1%} noise, last step {way:.3f}")
    return last, rest, way


assert DEISMultistepScheduler in UniPCMultistepScheduler().compatibles
for steps, shift, sigma in ((50, 5.0, 0.093), (28, 3.0, 0.1), (4, 3.0, 0.5)):
    for kind in (UniPCMultistepScheduler, DPMSolverMultistepScheduler):
        last, rest, way = left(kind, steps, shift)
        assert last == 0 and rest < 1e-4 and way > 0.1
    for kind in (DEISMultistepScheduler, SASolverScheduler):
        last, rest, way = left(kind, steps, shift)
        assert abs(last - sigma) < 0.001 and rest > 0.9 * sigma and way < 1e-4
PY

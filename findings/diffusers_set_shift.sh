#!/usr/bin/env bash
# A flow scheduler of diffusers made with shift 3 steps through other sigmas than one that is set to shift 3.
#
# Seen with diffusers 0.42.1 and PyTorch 2.15 (CPU). FlowMatchEulerDiscreteScheduler(shift=3) and set_shift(3), "the shift value
# for the scheduler", both report a shift of 3. The first shifts the end of its list when it is made and again when
# steps are set, so its last step starts at 0.0089, the other's at 0.0030, and all steps between are apart as well. set_shift
# never undoes it: from 3 back to 1 leaves an end of 0.0030, where a new one of shift 1 has 0.0010.
#
# Why it matters: pipelines that leave the list to their scheduler, Stable Diffusion 3's among them, make two pictures of the same shift, prompt
# and seed. A server that changes the shift for one call and sets it back is right; one that starts from another shift than the
# model's file names is not, and only a comparison with pictures made elsewhere shows it.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
def sigmas(made, then):
    """The sigmas of four steps of a scheduler made with one shift and set to another."""
    scheduler = FlowMatchEulerDiscreteScheduler(shift=made)
    scheduler.set_shift(then)
    assert scheduler.shift == then
    scheduler.set_timesteps(4)
    rounded = [round(float(sigma), 4) for sigma in scheduler.sigmas]
    print(f"made with {made}, set to {then}: {rounded}")
    return rounded


assert sigmas(3.0, 3.0) == [1.0, 0.8577, 0.6022, 0.0089, 0.0]
assert sigmas(1.0, 3.0) == [1.0, 0.8573, 0.6007, 0.003, 0.0]
assert sigmas(3.0, 1.0)[-2:] == [0.003, 0.0]
assert sigmas(1.0, 1.0)[-2:] == [0.001, 0.0]
PY

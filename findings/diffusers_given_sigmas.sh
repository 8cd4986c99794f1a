#!/usr/bin/env bash
# Sigmas that are handed to a Flux pipeline of diffusers are not those it steps through: it shifts them first.
#
# Seen with diffusers 0.42.1 and PyTorch 2.15 (CPU). A call's `sigmas` are, by the scheduler's text, the values
# to be used for each step. FlowMatchEulerDiscreteScheduler puts them through its own shift as if they were
# evenly spaced ones: with `shift` 3, 1, 0.75, 0.5, 0.25 become 1, 0.9, 0.75, 0.5, and with dynamic shifting they
# change with the size of the picture. Who ends the list with its 0 gets a second one, and a last step that
# changes nothing and costs a pass through the network. No warning is given.
#
# Why it matters: models distilled to a few steps come with the list of sigmas that they were trained for. It is
# kept only by a scheduler of shift 1 without dynamic shifting, whatever the model's own configuration says.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
transformer = tiny_transformer()
vae = tiny_vae()
prompt = tiny_prompt()
passes = []
transformer.register_forward_hook(lambda *_: passes.append(1))


def stepped(given, side=32, **config):
    """The sigmas that a picture's latents went through, one more than steps."""
    scheduler = FlowMatchEulerDiscreteScheduler(**config)
    pipeline = tiny_pipeline(transformer, vae, scheduler)
    passes.clear()
    pipeline(sigmas=given, height=side, width=side, output_type="latent", **prompt)
    used = [round(float(sigma), 4) for sigma in scheduler.sigmas]
    print(f"{config}, side {side}: {given} became {used}, {len(passes)} passes")
    return used


LIST = [1.0, 0.75, 0.5, 0.25]
assert stepped(LIST) == [*LIST, 0.0]
assert stepped(LIST, shift=3.0) == [1.0, 0.9, 0.75, 0.5, 0.0]
small = stepped(LIST, use_dynamic_shifting=True)
assert small != stepped(LIST, side=64, use_dynamic_shifting=True)
assert all(used > given for used, given in zip(small[1:4], LIST[1:]))
assert stepped([*LIST, 0.0]) == [*LIST, 0.0, 0.0] and len(passes) == 5
PY

#!/usr/bin/env bash
# One call without LoRA, by a scale of 0, leaves every adapter of a diffusers pipeline at full strength.
#
# Seen with diffusers 0.42.1, peft 0.21.2 and PyTorch 2.15 on the CPU, FluxPipeline. `set_adapters("style", 0.3)`
# says how much of an adapter is used from now on; `joint_attention_kwargs={"scale": s}` multiplies that for one
# call. The factor is taken back after the call by dividing, and after 0, where that cannot be, by setting all
# active adapters to 1, though the comment there speaks of the original value. The next ordinary call draws
# another picture than the same call drew before. After a scale of 0.5 it does not.
#
# Why it matters: a comparison of a prompt with and without its LoRA, or a server where the caller names the
# scale, changes all pictures that are drawn later, for every caller, until set_adapters is called again.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
from peft import LoraConfig

transformer = tiny_transformer()
vae = tiny_vae()
prompt = tiny_prompt()
layers = ["to_q", "to_k", "to_v", "to_out.0"]
transformer.add_adapter(LoraConfig(r=4, lora_alpha=4, target_modules=layers, init_lora_weights=False), "style")
pipeline = tiny_pipeline(transformer, vae)


def drawn(scale=None):
    return pipeline(num_inference_steps=2, height=32, width=32, generator=torch.Generator().manual_seed(1),
                    output_type="np", joint_attention_kwargs=None if scale is None else {"scale": scale},
                    **prompt).images


def apart(one, other):
    return float(abs(one - other).max())


def strength():
    return transformer.transformer_blocks[0].attn.to_q.scaling["style"]


def changed_by(scale):
    """How far the same ordinary call is from itself, with a call of this scale in between."""
    pipeline.set_adapters("style", 0.3)
    before = drawn()
    drawn(scale)
    after = drawn()
    print(f"after a call with scale {scale}: strength {strength():.2f}, pictures {apart(before, after):.4f} apart")
    return apart(before, after), after


assert changed_by(0.5)[0] < 1e-5
far, after = changed_by(0)
assert far > 1e-3 and strength() == 1
pipeline.set_adapters("style", 1.0)
assert apart(after, drawn()) == 0
PY

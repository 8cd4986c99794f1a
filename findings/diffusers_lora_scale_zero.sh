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
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages torch==2.15.0 numpy==2.4.6 diffusers==0.42.1 transformers==5.24.0 peft==0.21.2 pillow==13.0.0 <<'PY'
import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
from peft import LoraConfig

torch.manual_seed(0)
transformer = FluxTransformer2DModel(
    patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
    joint_attention_dim=32, pooled_projection_dim=32, axes_dims_rope=[4, 4, 8])
vae = AutoencoderKL(block_out_channels=(8,), layers_per_block=1, latent_channels=4, norm_num_groups=1,
                    use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.06, scaling_factor=1.5)
prompt = {"prompt_embeds": torch.randn(1, 8, 32), "pooled_prompt_embeds": torch.randn(1, 32)}
layers = ["to_q", "to_k", "to_v", "to_out.0"]
transformer.add_adapter(LoraConfig(r=4, lora_alpha=4, target_modules=layers, init_lora_weights=False), "style")
pipeline = FluxPipeline(FlowMatchEulerDiscreteScheduler(), vae, None, None, None, None, transformer)
pipeline.set_progress_bar_config(disable=True)


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

#!/usr/bin/env bash
# A Flux pipeline with a stochastic scheduler draws another picture each time, whatever the generator's seed.
#
# Seen with diffusers 0.42.1 and PyTorch 2.15 on the CPU, FluxPipeline. The call's `generator` is there "to make
# generation deterministic", and `step` of FlowMatchEulerDiscreteScheduler takes one for the noise it adds
# when made with `stochastic_sampling=True`. The pipeline draws the first noise with it and does not hand it on to
# `step`, which then draws from PyTorch's global state. Two calls with one seed differ widely; they agree
# only if torch.manual_seed is called before each as well.
#
# Why it matters: a `scheduler_config.json` that says so is enough, and a seed kept with a picture does not bring
# it back. In a server two calls at a time take from one global state, so that not even its seed helps.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages torch==2.15.0 numpy==2.4.6 diffusers==0.42.1 transformers==5.24.0 peft==0.21.2 pillow==13.0.0 <<'PY'
import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel

torch.manual_seed(0)
transformer = FluxTransformer2DModel(
    patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
    joint_attention_dim=32, pooled_projection_dim=32, axes_dims_rope=[4, 4, 8])
vae = AutoencoderKL(block_out_channels=(8,), layers_per_block=1, latent_channels=4, norm_num_groups=1,
                    use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.06, scaling_factor=1.5)
prompt = {"prompt_embeds": torch.randn(1, 8, 32), "pooled_prompt_embeds": torch.randn(1, 32)}


def difference(stochastic, global_seed=None):
    """The largest difference between two calls with the same seed, pixels being 0 to 1."""
    scheduler = FlowMatchEulerDiscreteScheduler(stochastic_sampling=stochastic)
    pipeline = FluxPipeline(scheduler, vae, None, None, None, None, transformer)
    pipeline.set_progress_bar_config(disable=True)
    pictures = []
    for _ in range(2):
        if global_seed is not None:
            torch.manual_seed(global_seed)
        pictures.append(pipeline(num_inference_steps=4, height=32, width=32, output_type="np",
                                 generator=torch.Generator().manual_seed(1), **prompt).images)
    far = float(abs(pictures[0] - pictures[1]).max())
    print(f"stochastic: {stochastic}, global seed: {global_seed}: {far:.3f} apart")
    return far


assert difference(stochastic=False) == 0
assert difference(stochastic=True) > 0.05
assert difference(stochastic=True, global_seed=3) == 0
PY

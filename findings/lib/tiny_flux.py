# What the program of a finding about diffusers' Flux begins with: the smallest network, and what a pipeline needs
# beside it. Every call of a function draws new weights.
import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel


def tiny_transformer():
    return FluxTransformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, pooled_projection_dim=32, axes_dims_rope=[4, 4, 8])


def tiny_vae():
    return AutoencoderKL(block_out_channels=(8,), layers_per_block=1, latent_channels=4, norm_num_groups=1,
                         use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.06, scaling_factor=1.5)


def tiny_prompt():
    """An encoded prompt, as arguments of a call."""
    return {"prompt_embeds": torch.randn(1, 8, 32), "pooled_prompt_embeds": torch.randn(1, 32)}


def tiny_pipeline(transformer, vae, scheduler=None, kind=FluxPipeline, encoders=(None,) * 4):
    pipeline = kind(scheduler or FlowMatchEulerDiscreteScheduler(), vae, *encoders, transformer)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


torch.manual_seed(0)

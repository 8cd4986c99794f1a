"""Writes a Wan 2.2 TI2V model of tiny random networks as a diffusers folder, for recorded runs.

    python tools/tiny_wan.py --kind base|fast [--seed 0] [--dtype bfloat16] --out FOLDER

`base` is laid out as Wan-AI/Wan2.2-TI2V-5B-Diffusers (WanPipeline, UniPC, expand_timesteps), `fast`
as FastVideo/FastWan2.2-TI2V-5B-FullAttn-Diffusers (WanDMDPipeline). All sizes differ from each
other, as far as the shortcuts of the autoencoder let them. A folder has no place for the length to
which prompts are padded, so model_index.json says it: max_sequence_length, which diffusers ignores
and tools/record_golden.py passes on.
"""

import argparse
import json
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLWan,
    UniPCMultistepScheduler,
    WanPipeline,
    WanTransformer3DModel,
)
from tiny_flux1 import t5_tokenizer
from transformers import UMT5Config, UMT5EncoderModel

_LENGTH = {"base": 31, "fast": 24}
_LATENTS = 6


def _gain(name):
    """How large the outputs of a weight are, where its inputs are near 1."""
    if name.endswith("SelfAttention.q.weight"):
        return 0.4  # UMT5 does not divide its scores
    if "relative_attention_bias" in name:
        return 0.6
    if name.endswith("time_proj.weight"):
        return 0.5  # shifts, scales and gates
    if name.endswith("conv_out.weight"):
        return 0.6  # few pixels are cut off
    return 1.3 if "conv" in name else 1.0


@torch.no_grad()
def randomise(module, seed):
    """Replaces every parameter by a random one of fitting size."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith("gamma") or (parameter.ndim == 1 and name.endswith("weight")):
            parameter.copy_(1 + 0.2 * noise)  # of a norm
        elif parameter.ndim == 1:
            parameter.copy_(0.15 * noise)
        elif name.endswith("scale_shift_table"):
            parameter.copy_(0.4 * noise)
        elif "shared" in name or "embed_tokens" in name or "relative_attention_bias" in name:
            parameter.copy_(_gain(name) * noise)
        else:
            parameter.copy_(_gain(name) * noise / parameter[0].numel() ** 0.5)
    return module.eval()


def build(seed):
    words = t5_tokenizer()
    text = UMT5Config(
        vocab_size=len(words) + 3,
        d_model=28,
        d_kv=6,
        num_heads=5,
        d_ff=44,
        num_layers=3,
        feed_forward_proj="gated-gelu",
        relative_attention_num_buckets=12,
        relative_attention_max_distance=20,
    )
    transformer = WanTransformer3DModel(
        in_channels=_LATENTS,
        out_channels=_LATENTS,
        num_attention_heads=3,
        attention_head_dim=20,
        text_dim=28,
        freq_dim=32,
        ffn_dim=68,
        num_layers=2,
    )
    generator = torch.Generator().manual_seed(seed + 9)
    vae = AutoencoderKLWan(
        base_dim=4,
        decoder_base_dim=6,
        z_dim=_LATENTS,
        dim_mult=[1, 2, 4, 4],
        num_res_blocks=1,
        temperal_downsample=[False, True, True],
        latents_mean=(0.3 * torch.randn(_LATENTS, generator=generator)).tolist(),
        latents_std=(0.6 + torch.rand(_LATENTS, generator=generator)).tolist(),
        is_residual=True,
        in_channels=12,
        out_channels=12,
        patch_size=2,
        scale_factor_spatial=16,
        scale_factor_temporal=4,
    )
    scheduler = UniPCMultistepScheduler(
        prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0
    )
    return WanPipeline(
        tokenizer=words,
        text_encoder=randomise(UMT5EncoderModel(text), seed),
        vae=randomise(vae, seed + 1),
        scheduler=scheduler,
        transformer=randomise(transformer, seed + 2),
        expand_timesteps=True,
    )


def save(pipeline, kind, out):
    pipeline.save_pretrained(out)
    index_file = out / "model_index.json"
    index = json.loads(index_file.read_text())
    index["max_sequence_length"] = _LENGTH[kind]
    if kind == "fast":
        index["_class_name"] = "WanDMDPipeline"
        for key in ("expand_timesteps", "boundary_ratio", "transformer_2"):
            index.pop(key, None)
    index_file.write_text(json.dumps(index, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kind", choices=["base", "fast"], required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dtype", default="float32", help="in which the weights are stored")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    save(build(args.seed).to(getattr(torch, args.dtype)), args.kind, args.out)


if __name__ == "__main__":
    main()

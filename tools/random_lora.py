"""Makes a random adapter for a small model: what the engine's LoRA is recorded with.

    python tools/random_lora.py FOLDER --kind lora|dora|lokr --seed N --out FILE.safetensors

FOLDER is a diffusers folder of a FLUX.1, a FLUX.2 or a Wan model. `lora` and `dora` are in peft's layout with
the metadata that diffusers writes (rank 3, alpha 6; one layer with an alpha of its own), and change
every linear layer of the transformer. What is one layer in a single file's names shares its lora_A, so
that the same adapter can be written with fused ones. `lokr` is in the layout that ai-toolkit writes for
FLUX.2: fused layers of the single file's names, some factors whole, some in two parts with alpha.
"""

import argparse
import json
import math
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

_RANK = 3
_ALPHA = 6.0
_SHARED = {"attn.to_k": "attn.to_q", "attn.to_v": "attn.to_q", "attn.add_k_proj": "attn.add_q_proj",
           "attn.add_v_proj": "attn.add_q_proj", "proj_mlp": "attn.to_q"}  # fmt: skip
_STRENGTH = 0.3  # of a change beside the weight


def layers(folder):
    """Weights of the linear layers by name, in the order of their names."""
    found = {}
    for path in sorted((folder / "transformer").glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            for name in file.keys():
                tensor = file.get_tensor(name)
                if name.endswith(".weight") and tensor.ndim == 2:
                    found[name.removesuffix(".weight")] = tensor.float()
    return dict(sorted(found.items()))


def sharing(layer):
    """The layer whose lora_A this one has too: for most, itself."""
    for end, other in _SHARED.items():
        if layer.endswith(f".{end}"):
            return layer.removesuffix(end) + other
    return layer


def random_lora(weights, generator, dora):
    tensors, downs = {}, {}
    own = max(weights)  # one layer has an alpha of its own
    for layer, weight in weights.items():
        if dora and layer.startswith("single_") and layer.endswith("to_out"):
            continue  # diffusers 0.42.1 looks for its magnitude under to_out.0 and leaves it out
        rows, cols = weight.shape
        owner = sharing(layer)
        if owner not in downs:
            downs[owner] = torch.randn((_RANK, cols), generator=generator) / math.sqrt(cols)
        up = torch.randn((rows, _RANK), generator=generator)
        alpha = 1.5 if layer == own else _ALPHA
        change = up @ downs[owner] * (alpha / _RANK)
        up *= _STRENGTH * weight.std() / change.std()
        at = f"transformer.{layer}"
        tensors[f"{at}.lora_A.weight"] = downs[owner].bfloat16()
        tensors[f"{at}.lora_B.weight"] = up.bfloat16()
        if dora:
            length = weight.norm(dim=1)
            stretch = 1 + 0.2 * torch.randn(rows, generator=generator)
            tensors[f"{at}.lora_magnitude_vector"] = length * stretch
    config = {"r": _RANK, "lora_alpha": _ALPHA, "alpha_pattern": {own: 1.5}, "use_dora": dora,
              "target_modules": sorted(weights)}  # fmt: skip
    stated = {f"transformer.{key}": value for key, value in config.items()}
    return tensors, {"format": "pt", "lora_adapter_metadata": json.dumps(stated)}


_FUSED = {
    "img_attn.qkv": ["attn.to_q", "attn.to_k", "attn.to_v"],
    "txt_attn.qkv": ["attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"],
    "img_attn.proj": ["attn.to_out.0"],
    "txt_mlp.0": ["ff_context.linear_in"],
    "img_mlp.2": ["ff.linear_out"],
}


def random_lokr(weights, generator):
    """Kronecker products: [4, 4] x [rows / 4, cols / 4], as diffusers supposes them."""
    tensors = {}

    def add(name, parts, split):
        rows = sum(weights[part].shape[0] for part in parts)
        cols = weights[parts[0]].shape[1]
        left = torch.randn((4, 4), generator=generator)
        at = f"diffusion_model.{name}"
        deviation = _STRENGTH * weights[parts[0]].std()
        tensors[f"{at}.lokr_w1"] = left * deviation
        shape = rows // 4, cols // 4
        if split:
            tensors[f"{at}.lokr_w2_a"] = torch.randn((shape[0], _RANK), generator=generator)
            tensors[f"{at}.lokr_w2_b"] = torch.randn((_RANK, shape[1]), generator=generator)
            tensors[f"{at}.alpha"] = torch.tensor(2.0)
        else:
            tensors[f"{at}.lokr_w2"] = torch.randn(shape, generator=generator)
            tensors[f"{at}.alpha"] = torch.tensor(9.0)  # counts for nothing
    blocks = sorted({int(name.split(".")[1]) for name in weights if name.startswith("transformer_")})
    singles = sorted({int(name.split(".")[1]) for name in weights if name.startswith("single_tr")})
    for block in blocks:
        for i, (bfl, parts) in enumerate(_FUSED.items()):
            add(f"double_blocks.{block}.{bfl}",
                [f"transformer_blocks.{block}.{part}" for part in parts], i % 2 == 1)  # fmt: skip
    for block in singles:
        at = f"single_transformer_blocks.{block}.attn"
        add(f"single_blocks.{block}.linear1", [f"{at}.to_qkv_mlp_proj"], True)
        add(f"single_blocks.{block}.linear2", [f"{at}.to_out"], True)
    return tensors, {"format": "pt"}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kind", choices=["lora", "dora", "lokr"], required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    generator = torch.Generator().manual_seed(args.seed)
    weights = layers(args.folder)
    if args.kind == "lokr":
        tensors, metadata = random_lokr(weights, generator)
    else:
        tensors, metadata = random_lora(weights, generator, args.kind == "dora")
    save_file({name: value.contiguous() for name, value in tensors.items()}, args.out, metadata)
    print(f"{args.out}: {len(tensors)} tensors, {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()

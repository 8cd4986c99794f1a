#!/usr/bin/env bash
# A LoRA with lora_down and lora_up in its names loses its alpha in diffusers' FLUX.1, and in its FLUX.2 it is not loaded at all.
#
# Seen with diffusers 0.42.1, peft 0.21.2 and PyTorch 2.15 on the CPU. `lora_A`, `lora_B` and `lora_down`, `lora_up` are two spellings of the
# same two factors, `.alpha` divided by the rank is their strength. One layer of rank 4 with alpha 2 adds half its product:
#
# - FLUX.1: as kohya writes it, and in diffusers' names with lora_A, half. In diffusers' names with lora_down all of it, without a warning.
# - FLUX.2: as kohya writes it, half. With lora_down in diffusers' names, or behind `diffusion_model.`, where ComfyUI's node that saves a
#   LoRA puts it: nothing. Every such file is taken for one of kohya's, whose names it then has not; the code that
#   would read lora_down there is never reached. The call returns, the pictures stay as they were, and a warning says
#   "safe to ignore". With lora_A and alpha it is refused: ValueError.
#
# Why it matters: a style is twice as strong in one program as in another, or not there, by the spelling of a name, and who compares
# an own reader with diffusers must look at the file first. Without alpha the forms of FLUX.1 agree.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
import logging

from diffusers import Flux2KleinPipeline, Flux2Transformer2DModel
from diffusers.utils.logging import disable_default_handler

disable_default_handler()  # each warning is printed once, below
said = []
handler = logging.Handler(logging.WARNING)
handler.emit = lambda record: said.append(record.getMessage())
logging.getLogger("diffusers").addHandler(handler)

RANK, ALPHA = 4, 2.0
down, up = torch.randn(RANK, 32), torch.randn(32, RANK)
LAYER, SINGLE_FILE = "transformer_blocks.0.attn.to_out.0", "double_blocks.0.img_attn.proj"


def flux1():
    return FluxPipeline(None, None, None, None, None, None, tiny_transformer())


def flux2():
    return Flux2KleinPipeline(None, None, None, None, Flux2Transformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=32, timestep_guidance_channels=32, axes_dims_rope=[4, 4, 4, 4], guidance_embeds=False))


def strength(make, layer, spelling, alpha=True):
    """How much of up @ down the layer gets, or the error's kind."""
    names = ("lora_A", "lora_B") if spelling == "A" else ("lora_down", "lora_up")
    file = {f"{layer}.{name}.weight": factor.clone() for name, factor in zip(names, (down, up))}
    if alpha:
        file[f"{layer}.alpha"] = torch.tensor(ALPHA)
    pipeline = make()
    weight = pipeline.transformer.get_submodule(LAYER).weight
    before = weight.detach().clone()
    said.clear()
    try:
        pipeline.load_lora_weights(file)
        if pipeline.get_list_adapters():
            pipeline.fuse_lora()
        added = (weight - before) * (up @ down)
        seen = round((added.sum() / (up @ down).square().sum()).item(), 4)
    except ValueError as error:
        seen = f"ValueError: {error}"[:40]
    about = [text for text in said if "Transformer2DModel" in text or "Unsupported" in text]
    print(f"{make.__name__}, {layer}, {names[0]}, {'alpha 2' if alpha else 'no alpha'}: {seen}", *(f'\n    "{text[:150]}..."' for text in about))
    return seen, len(about)


assert strength(flux1, "lora_unet_" + SINGLE_FILE.replace(".", "_"), "down") == (0.5, 0)
assert strength(flux1, "transformer." + LAYER, "A") == (0.5, 0)
assert strength(flux1, "transformer." + LAYER, "down") == (1, 0)
assert strength(flux1, "transformer." + LAYER, "A", alpha=False) == (1, 0)
assert strength(flux1, "transformer." + LAYER, "down", alpha=False) == (1, 0)

assert strength(flux2, "lora_unet_" + SINGLE_FILE.replace(".", "_"), "down") == (0.5, 0)
for layer in ("transformer." + LAYER, "diffusion_model." + SINGLE_FILE):
    assert strength(flux2, layer, "A", alpha=False) == (1, 0)
    assert strength(flux2, layer, "down", alpha=False) == (0, 2)
    assert strength(flux2, layer, "down") == (0, 2)
    assert strength(flux2, layer, "A")[0].startswith("ValueError")
PY

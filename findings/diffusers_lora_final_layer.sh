#!/usr/bin/env bash
# diffusers turns a LoRA of Flux's final layer into another one, or drops it, in each of the three forms it reads.
#
# Seen with diffusers 0.42.1 and PyTorch 2.15 on the CPU. The modulation of the final layer, which Black Forest
# Labs store as shift and scale, diffusers keeps as scale and shift; its reader of whole models exchanges the
# halves of the rows. The same has to be done to what the LoRA adds, up @ down, by exchanging the halves of `up`.
#
# - FLUX.2, `diffusion_model.` names: nothing is exchanged. What was learnt for the shift is added to the scale.
# - FLUX.1, Black Forest Labs' control LoRAs: the halves of both are exchanged, also of `down`, whose rows
#   are the ranks. The product is of other pairs of ranks.
# - FLUX.1, kohya's names: exchanged rightly, but without its alpha; and like all layers outside of the blocks it
#   comes without the `transformer.` that load_lora_weights looks for, which leaves it out. The only warning is
#   of a text encoder that there is not.
#
# Why it matters: the final modulation works on the whole picture, so a LoRA that trains it gives other
# pictures in one program than in another. A reader has to apply the layer's own order to `up` alone.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
from diffusers import Flux2KleinPipeline
from diffusers.loaders.single_file_utils import convert_flux2_transformer_checkpoint_to_diffusers as read_flux2

RANK, WIDTH = 2, 32
FINAL = "final_layer.adaLN_modulation.1"


def pair(rows, columns=WIDTH):
    return torch.randn(RANK, columns), torch.randn(rows, RANK)


def exchanged(rows):
    first, second = rows.chunk(2)
    return torch.cat([second, first])


def added(state):
    """What the LoRA adds to the final layer, by diffusers' name of it."""
    prefix = "transformer." if "transformer.norm_out.linear.lora_A.weight" in state else ""
    return state[f"{prefix}norm_out.linear.lora_B.weight"] @ state[f"{prefix}norm_out.linear.lora_A.weight"]


def lora(name, down, up):
    return {f"{name}.lora_A.weight": down, f"{name}.lora_B.weight": up}


# FLUX.2: the whole model's layer is exchanged, the LoRA's is not.
whole = torch.randn(2 * WIDTH, WIDTH)
read = read_flux2({f"{FINAL}.weight": whole.clone()})
assert torch.equal(read["norm_out.linear.weight"], exchanged(whole))
down, up = pair(2 * WIDTH)
state = Flux2KleinPipeline.lora_state_dict(
    {**lora(f"diffusion_model.{FINAL}", down, up),
     **lora("diffusion_model.double_blocks.0.img_attn.proj", *pair(WIDTH))})
assert torch.equal(added(state), up @ down) and not torch.equal(added(state), exchanged(up @ down))
print("FLUX.2: the LoRA's halves stay, the model's change places")

# FLUX.1, control: every layer of the real network, of few columns.
SIZE = 3072
parts = ("in_layer", "out_layer")
names = {f"{name}.{part}": 8 for name in ("time_in", "vector_in", "guidance_in") for part in parts}
names |= {"img_in": 8, "txt_in": 8, "final_layer.linear": 8, FINAL: 2 * SIZE}
scales = []
for block in range(19):
    for kind in ("img", "txt"):
        layer = f"double_blocks.{block}.{kind}"
        names |= {f"{layer}_mod.lin": 8, f"{layer}_attn.qkv": 3 * SIZE, f"{layer}_attn.proj": 8,
                  f"{layer}_mlp.0": 8, f"{layer}_mlp.2": 8}
        scales += [f"{layer}_attn.norm.{side}_norm.scale" for side in ("query", "key")]
for block in range(38):
    layer = f"single_blocks.{block}"
    names |= {f"{layer}.modulation.lin": 8, f"{layer}.linear1": 7 * SIZE, f"{layer}.linear2": 8}
    scales += [f"{layer}.norm.{side}_norm.scale" for side in ("query", "key")]
file = {name: torch.ones(128) for name in scales}
for name, rows in names.items():
    file |= lora(name, *pair(rows, 8))
down, up = (file[f"{FINAL}.lora_{side}.weight"] for side in "AB")
right = exchanged(up @ down)
off = (added(FluxPipeline.lora_state_dict(dict(file))) - right).norm() / right.norm()
print(f"FLUX.1, control: off by {off:.0%} of what is to be added")
assert off > 0.5
assert torch.equal(added(FluxPipeline.lora_state_dict(file | lora(FINAL, exchanged(down), up))), right)

# FLUX.1, kohya: loaded into a small network.
def kohya(name, down, up):
    name = f"lora_unet_{name}"
    return {f"{name}.lora_down.weight": down, f"{name}.lora_up.weight": up, f"{name}.alpha": torch.tensor(1.0)}


down, up = pair(2 * WIDTH)
file = {**kohya("final_layer_adaLN_modulation_1", down, up), **kohya("txt_in", *pair(WIDTH)),
        **kohya("double_blocks_0_img_attn_proj", *pair(WIDTH))}
state = FluxPipeline.lora_state_dict(dict(file))
print("FLUX.1, kohya: read", sorted(name for name in state if "lora_A" in name))
assert torch.equal(added(state), exchanged(up @ down))  # alpha 1 of rank 2 is half of it

transformer = tiny_transformer()
FluxPipeline(None, None, None, None, None, None, transformer).load_lora_weights(file)
loaded = [name for name, layer in transformer.named_modules() if hasattr(layer, "lora_A")]
print("FLUX.1, kohya: loaded", loaded)
assert loaded == ["transformer_blocks.0.attn.to_out.0"]
PY

#!/usr/bin/env bash
# After one LoRA was swapped for another in place, diffusers' set_adapters gives the new one the strength of the old.
#
# Seen with diffusers 0.42.1, peft 0.21.2 and PyTorch 2.15 (CPU), FluxPipeline. load_lora_weights(..., hotswap=True) puts other weights under a name
# that is in use. Right after it the new LoRA has its own alpha over rank; set_adapters(name, 1.0), which means "as it was trained",
# goes back to the alpha over rank of the first: here from 0.5 to 2, four times too strong. No warning speaks of it. Loaded
# under a name of its own the same LoRA keeps 0.5.
#
# Why it matters: swapping in place is how a compiled server changes styles without compiling again, and a strength comes with each order.
# Styles with another alpha over rank than the first are drawn too strong or too weak, by what happened to be loaded first.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict

LAYERS = ["to_q", "to_k", "to_v", "to_out.0"]
RANK = 4
weights = tiny_transformer().state_dict()
vae = tiny_vae()
prompt = tiny_prompt()


def plain():
    transformer = tiny_transformer()
    transformer.load_state_dict(weights)
    return transformer


def lora(alpha):
    """A LoRA as a file has it, with its alpha."""
    transformer = plain()
    transformer.add_adapter(LoraConfig(r=RANK, lora_alpha=alpha, target_modules=LAYERS, init_lora_weights=False), "x")
    file = {f"transformer.{name}": value.clone()
            for name, value in get_peft_model_state_dict(transformer, adapter_name="x").items()}
    for name in [name for name in file if name.endswith("lora_A.weight")]:
        file[name.replace("lora_A.weight", "alpha")] = torch.tensor(float(alpha))
    return file


def drawn(pipeline):
    return pipeline(num_inference_steps=2, height=32, width=32, generator=torch.Generator().manual_seed(1),
                    output_type="np", **prompt).images


def strength(pipeline):
    return float(pipeline.transformer.transformer_blocks[0].attn.to_q.scaling["style"])


strong, weak = lora(8), lora(2)
alone = tiny_pipeline(plain(), vae)
alone.load_lora_weights(dict(weak), adapter_name="style")
alone.set_adapters("style", 1.0)
wanted = drawn(alone)
print(f"loaded alone: strength {strength(alone)}")
assert strength(alone) == 0.5

swapped = tiny_pipeline(plain(), vae)
swapped.load_lora_weights(dict(strong), adapter_name="style")
swapped.load_lora_weights(dict(weak), adapter_name="style", hotswap=True)
far = float(abs(drawn(swapped) - wanted).max())
print(f"swapped in: strength {strength(swapped)}, pictures {far:.4f} apart")
assert strength(swapped) == 0.5 and far < 1e-5
swapped.set_adapters("style", 1.0)
far = float(abs(drawn(swapped) - wanted).max())
print(f"and set to 1.0: strength {strength(swapped)}, pictures {far:.4f} apart")
assert strength(swapped) == 2 and far > 1e-3
PY

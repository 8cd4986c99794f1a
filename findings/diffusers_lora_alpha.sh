#!/usr/bin/env bash
# A LoRA that is saved by diffusers and loaded again has another strength: save_lora_weights forgets its alpha.
#
# Seen with diffusers 0.42.1, peft 0.21.2 and PyTorch 2.15 on the CPU. An adapter of rank 4 and lora_alpha 8 adds
# twice its product. `save_lora_weights` with the adapter's weights writes the two factors and no word of alpha,
# and `load_lora_weights` takes the rank for it: the same network adds half as much, without a warning. Only who
# also hands over `transformer_lora_adapter_metadata` gets the strength back, and then in a form of its own in
# the file's metadata, `lora_adapter_metadata`, where alpha is a number of a JSON text, and no tensor `.alpha`.
# Where a file has such tensors for some of its layers, the layers without one are given theirs.
#
# Why it matters: a style is half or twice as strong as it was in training, here and in every program that reads
# the file. A reader of such files has to look into the metadata, and may not take a missing alpha for a
# sign that none was meant.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
import json

from peft import LoraConfig, get_peft_model_state_dict
from safetensors import safe_open


def network():
    torch.manual_seed(0)
    return tiny_transformer()


def added(transformer, name="to_q"):
    layer = transformer.transformer_blocks[0].attn.get_submodule(name)
    return layer.get_delta_weight(layer.active_adapters[0]).detach()


def loaded(weights):
    pipeline = FluxPipeline(None, None, None, None, None, None, network())
    pipeline.load_lora_weights(weights)
    return pipeline.transformer


def back(folder):
    """What is added after loading, as a part of what was trained, and the file's metadata."""
    transformer = loaded(folder)
    with safe_open(f"{folder}/pytorch_lora_weights.safetensors", "pt") as file:
        names, metadata = list(file.keys()), file.metadata()
    assert all(name.endswith((".lora_A.weight", ".lora_B.weight")) for name in names)
    part = (added(transformer).norm() / added(trained).norm()).item()
    print(f"{folder}: metadata {sorted(metadata)}, {part:.3f} of what was trained")
    return part, metadata


trained = network()
trained.add_adapter(LoraConfig(r=4, lora_alpha=8, target_modules=["to_q"], init_lora_weights=False))
weights = get_peft_model_state_dict(trained)

FluxPipeline.save_lora_weights("plain", transformer_lora_layers=weights)
part, metadata = back("plain")
assert abs(part - 0.5) < 1e-6 and metadata == {"format": "pt"}

config = trained.peft_config["default"].to_dict()
config["target_modules"] = list(config["target_modules"])
FluxPipeline.save_lora_weights("told", transformer_lora_layers=weights, transformer_lora_adapter_metadata=config)
part, metadata = back("told")
assert abs(part - 1) < 1e-6
assert json.loads(metadata["lora_adapter_metadata"])["transformer.lora_alpha"] == 8

pairs = {name: (torch.randn(4, 32), torch.randn(32, 4)) for name in ("to_q", "to_k")}
file = {"transformer.transformer_blocks.0.attn.to_q.alpha": torch.tensor(2.0)}
for name, (down, up) in pairs.items():
    file[f"transformer.transformer_blocks.0.attn.{name}.lora_A.weight"] = down
    file[f"transformer.transformer_blocks.0.attn.{name}.lora_B.weight"] = up
transformer = loaded(file)
for name, (down, up) in pairs.items():
    part = (added(transformer, name).norm() / (up @ down).norm()).item()
    print(f"{name}: {part:.3f} of its product; alpha 2 of rank 4 stands at to_q alone")
    assert abs(part - 0.5) < 1e-6
PY

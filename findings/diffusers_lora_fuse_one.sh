#!/usr/bin/env bash
# Fusing one of two active LoRAs of a diffusers pipeline silences the other.
#
# Seen with diffusers 0.42.1, peft 0.21.2 and PyTorch 2.15 (CPU), FluxPipeline. `fuse_lora(adapter_names=["one"])` names the adapters to fuse, and
# get_active_adapters still says that both are active. A layer into which an adapter was fused is then computed from its weights alone: the
# picture is, within rounding, that of "one" without "other", whatever strength set_adapters gives to the other. After
# unfuse_lora both work. No warning is given.
#
# Why it matters: fusing the LoRA that never changes, one of few steps for example, for speed, and changing styles on top of it is an
# obvious thing to do, and then no style has an effect.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
from peft import LoraConfig

transformer = tiny_transformer()
for name in ("one", "other"):
    transformer.add_adapter(LoraConfig(r=4, lora_alpha=4, target_modules=["to_q", "to_k", "to_v", "to_out.0"],
                                       init_lora_weights=False), name)
pipeline = tiny_pipeline(transformer, tiny_vae())
prompt = tiny_prompt()


def drawn(one, other):
    pipeline.set_adapters(["one", "other"], [one, other])
    return pipeline(num_inference_steps=2, height=32, width=32, generator=torch.Generator().manual_seed(1),
                    output_type="np", **prompt).images


def apart(first, second):
    return float(abs(first - second).max())


both, alone = drawn(1.0, 1.0), drawn(1.0, 0.0)
print(f"the other makes a difference of {apart(both, alone):.5f}")
assert apart(both, alone) > 1e-4
pipeline.set_adapters(["one", "other"], [1.0, 1.0])
pipeline.fuse_lora(adapter_names=["one"])
assert pipeline.get_active_adapters() == ["one", "other"]
for strength in (1.0, 5.0):
    fused = drawn(1.0, strength)
    print(f"with one fused, the other at {strength}: {apart(fused, both):.5f} from both, {apart(fused, alone):.7f} from one alone")
    assert apart(fused, both) > 1e-4 and apart(fused, alone) < 1e-5
pipeline.unfuse_lora()
assert apart(drawn(1.0, 1.0), both) < 1e-5
PY

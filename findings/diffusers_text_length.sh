#!/usr/bin/env bash
# A Flux picture of three words changes with max_sequence_length, the most that a prompt may be long.
#
# Seen with diffusers 0.42.1, transformers 5.24.0 and PyTorch 2.15 (CPU), FluxPipeline. Its text calls this the
# longest sequence to use with the prompt. The prompt is filled up to it with padding, the text encoder makes
# numbers of that too, without a mask, and the picture attends to all of them. Therefore the same seed and the
# same short prompt give one picture with 64 and another with 128, though nothing is cut off. A prompt given
# as embeddings of its own length gives a third.
#
# Why it matters: 256 is usual for schnell and 512 is the default; a server that picks a length by the prompt, to
# be faster, or batches prompts of several lengths, changes pictures, and a seed is worth nothing
# without it. The length belongs to the model's settings and to what is kept with a picture.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages torch==2.15.0 numpy==2.4.6 diffusers==0.42.1 transformers==5.24.0 peft==0.21.2 pillow==13.0.0 <<'PY'
import torch
from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import CLIPTextConfig, CLIPTextModel, PreTrainedTokenizerFast, T5Config, T5EncoderModel

PROMPT = "a red house"
words = Tokenizer(models.WordLevel({"<pad>": 0, "</s>": 1, "a": 2, "red": 3, "house": 4}, unk_token="<pad>"))
words.pre_tokenizer = pre_tokenizers.Whitespace()


def tokenizer(longest):
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="</s>",
                                   model_max_length=longest)


torch.manual_seed(0)
clip = CLIPTextModel(CLIPTextConfig(vocab_size=8, hidden_size=32, intermediate_size=32, num_hidden_layers=1,
                                    num_attention_heads=2, pad_token_id=0, bos_token_id=0, eos_token_id=1))
t5 = T5EncoderModel(T5Config(vocab_size=8, d_model=32, d_kv=16, d_ff=32, num_layers=1, num_heads=2)).eval()
transformer = FluxTransformer2DModel(
    patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
    joint_attention_dim=32, pooled_projection_dim=32, axes_dims_rope=[4, 4, 8])
vae = AutoencoderKL(block_out_channels=(8,), layers_per_block=1, latent_channels=4, norm_num_groups=1,
                    use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.06, scaling_factor=1.5)
pipeline = FluxPipeline(FlowMatchEulerDiscreteScheduler(), vae, clip.eval(), tokenizer(77), t5, tokenizer(512),
                        transformer)
pipeline.set_progress_bar_config(disable=True)


def drawn(**options):
    return pipeline(num_inference_steps=4, height=32, width=32, generator=torch.Generator().manual_seed(1),
                    output_type="np", **options).images


def apart(one, other):
    return float(abs(one - other).max())


at = {length: drawn(prompt=PROMPT, max_sequence_length=length) for length in (64, 128, 512)}
again = drawn(prompt=PROMPT, max_sequence_length=64)
embeds, pooled, _ = pipeline.encode_prompt(PROMPT, PROMPT, max_sequence_length=64)
alone = drawn(prompt_embeds=embeds[:, :3], pooled_prompt_embeds=pooled)
print("64 and 64:", apart(at[64], again))
print("64 and 128:", apart(at[64], at[128]), "64 and 512:", apart(at[64], at[512]))
print("64 and the three words alone:", apart(at[64], alone))
assert apart(at[64], again) == 0
assert embeds.shape[1] == 64
assert min(apart(at[64], at[128]), apart(at[64], at[512]), apart(at[64], alone)) > 1e-4
PY

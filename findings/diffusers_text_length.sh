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
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import CLIPTextConfig, CLIPTextModel, PreTrainedTokenizerFast, T5Config, T5EncoderModel

PROMPT = "a red house"
words = Tokenizer(models.WordLevel({"<pad>": 0, "</s>": 1, "a": 2, "red": 3, "house": 4}, unk_token="<pad>"))
words.pre_tokenizer = pre_tokenizers.Whitespace()


def tokenizer(longest):
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="</s>",
                                   model_max_length=longest)


clip = CLIPTextModel(CLIPTextConfig(vocab_size=8, hidden_size=32, intermediate_size=32, num_hidden_layers=1,
                                    num_attention_heads=2, pad_token_id=0, bos_token_id=0, eos_token_id=1))
t5 = T5EncoderModel(T5Config(vocab_size=8, d_model=32, d_kv=16, d_ff=32, num_layers=1, num_heads=2)).eval()
pipeline = tiny_pipeline(tiny_transformer(), tiny_vae(), encoders=(clip.eval(), tokenizer(77), t5, tokenizer(512)))


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

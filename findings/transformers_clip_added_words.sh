#!/usr/bin/env bash
# With a learned word in it, CLIP's pooled text knows nothing of what the prompt says behind that word.
#
# Seen with transformers 5.24.0 and PyTorch 2.15 (CPU), a small CLIPTextModel. The pooled output is the state at the
# prompt's end. Where the configuration says `eos_token_id` 2, as those of openai/clip-vit-large-patch14 and so of Stable Diffusion 1.5 and
# FLUX.1 do, though the tokenizer ends texts with 49407, it is the state at the highest id instead. A
# word that textual inversion has added gets 49408 or more, and the state there has read only what stands before it: two
# prompts that begin with the word have the same pooled output, to the bit. With the true id they differ. Nothing is said.
#
# Why it matters: the pooled output is all that FLUX.1 hears from CLIP. A prompt "STYLE a red house"
# counts there as "STYLE", and the same embedding works or not by where in the prompt it is put. Set the id to 49407.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
from transformers import CLIPTextConfig, CLIPTextModel

START, END, LEARNED = 49406, 49407, 49408  # CLIP's own two, and the first that is added
RED_HOUSE, BLUE_DOG = (736, 1212), (1746, 1929)


def encoder(eos):
    torch.manual_seed(0)
    return CLIPTextModel(CLIPTextConfig(
        vocab_size=LEARNED + 1, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=77, bos_token_id=0, eos_token_id=eos, pad_token_id=1)).eval()


def pooled(model, *words):
    ids = [START, *words, END]
    with torch.no_grad():
        return model(torch.tensor([ids + [END] * (77 - len(ids))])).pooler_output


def apart(eos, *before):
    """How far the pooled outputs of the two prompts are apart, with the same words before both."""
    model = encoder(eos)
    far = float((pooled(model, *before, *RED_HOUSE) - pooled(model, *before, *BLUE_DOG)).abs().max())
    print(f"eos_token_id {eos}, {'with' if before else 'without'} the learned word: {far:.4f} apart")
    return far


assert apart(2) > 0.1
assert apart(2, LEARNED) == 0
assert apart(END) > 0.1
assert apart(END, LEARNED) > 0.1
PY

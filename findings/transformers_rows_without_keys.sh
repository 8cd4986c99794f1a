#!/usr/bin/env bash
# What transformers computes at the padding before a prompt depends on the attention that was chosen.
#
# Seen with transformers 5.24.0 and PyTorch 2.15.0, a small Mistral, padding on the left. A row of the padding may look at
# no row at all. "sdpa" gives such a row nothing; "eager" adds the smallest float to every score, so that none is smaller
# than another, and gives the mean of all rows, of the prompt behind it too. Rows of the prompt agree to 1e-5.
#
# Why it matters: FLUX.2 [dev] hands all 512 rows of its text encoder to the transformer, the padding with them, so the
# same weights, prompt and seed make another picture under another `attn_implementation`. We do as "sdpa", the
# default.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
import torch
from transformers import MistralConfig, MistralModel

torch.manual_seed(0)
config = MistralConfig(vocab_size=64, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
                       num_attention_heads=4, num_key_value_heads=2, head_dim=16)
model = MistralModel(config).eval()
ids = torch.randint(3, 64, (1, 12))
mask = torch.ones_like(ids)
mask[:, :5] = 0  # padding on the left


def states(attention):
    model.set_attn_implementation(attention)
    with torch.no_grad():
        return model(input_ids=ids, attention_mask=mask).last_hidden_state[0]


one, other = states("sdpa"), states("eager")
padding = (one[:5] - other[:5]).abs().max().item()
prompt = (one[5:] - other[5:]).abs().max().item()
print(f"largest difference: padding {padding:.2f}, prompt {prompt:.1e}")
assert padding > 0.1 and prompt < 1e-4
PY

#!/usr/bin/env bash
# A text encoder saved again in smaller files loads as the old one; the same folder of diffusers loads as the new.
#
# Seen with transformers 5.24.0, diffusers 0.42.1, PyTorch 2.15. `save_pretrained` first made one file, then, with
# a smaller `max_shard_size`, several and their index. Both libraries leave the old file where it is.
# transformers' `from_pretrained` prefers the one file and gives back the old weights without a word; diffusers'
# prefers the index. The other way round, shards first, the index stays and its shards go: transformers loads
# the new weights, diffusers raises FileNotFoundError for a shard of the old ones.
#
# Why it matters: a pipeline's folder holds parts of both libraries, so that a fine-tuned model saved over the one
# it came from is half new. A reader has to refuse a folder with both, or take each part as its library does.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/diffusers.sh"

with_diffusers <<'PY'
import os

import transformers
from transformers import Qwen3Config, Qwen3Model

transformers.utils.logging.disable_progress_bar()
OLD, NEW = 1.0, 2.0
IN_SHARDS = {"max_shard_size": "50KB"}


def encoder(value):
    model = Qwen3Model(Qwen3Config(vocab_size=64, hidden_size=64, intermediate_size=64, num_hidden_layers=2,
                                   num_attention_heads=2, num_key_value_heads=2, head_dim=32))
    torch.nn.init.constant_(model.norm.weight, value)
    return model


def transformer(value):
    model = tiny_transformer()
    torch.nn.init.constant_(model.proj_out.bias, value)
    return model


def read(make, first, then):
    folder = f"{make.__name__}-{'shards' if first else 'whole'}"
    make(OLD).save_pretrained(folder, **first)
    model = make(NEW)
    model.save_pretrained(folder, **then)
    try:
        back = type(model).from_pretrained(folder)
        found = (back.norm.weight if make is encoder else back.proj_out.bias)[0].item()
    except FileNotFoundError as error:
        found = type(error)
    print(folder, "saved again:", len(os.listdir(folder)), "files, loads as", found)
    return found


assert read(encoder, {}, IN_SHARDS) == OLD
assert read(transformer, {}, IN_SHARDS) == NEW
assert read(encoder, IN_SHARDS, {}) == NEW
assert read(transformer, IN_SHARDS, {}) is FileNotFoundError
PY

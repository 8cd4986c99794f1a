#!/usr/bin/env bash
# A tokenizer.json that says how a prompt is cut is not followed when its class is Qwen's, and is rewritten when it is saved again.
#
# Seen with transformers 5.24.0 and tokenizers 0.23.3, without PyTorch. `tokenizer.json` holds rules before the vocabulary: how a text is
# normalised (`normalizer`) and where it is cut (`pre_tokenizer`). tokenizers follows them. `AutoTokenizer` takes the class from
# `tokenizer_config.json`, and Qwen2Tokenizer reads the vocabulary and the merges of the file and puts its own rules before them: NFC,
# and each digit by itself. A file that keeps years whole, or prompts in lower case, gives other tokens, without a warning, and
# `save_pretrained` writes Qwen's rules over the file's. With LlamaTokenizer as the class the file is followed, and a line says so;
# with TokenizersBackend it is followed.
#
# Why it matters: FLUX.2 [klein]'s pipeline names this class for its tokenizer, and who trains a small text encoder for it gives a tokenizer
# of their own that name. The network then learns and draws from other tokens than the file describes, and a program that follows the file
# disagrees. Name TokenizersBackend, or keep to Qwen's rules; ours refuses a file with others.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

with_packages transformers==5.24.0 tokenizers==0.23.3 <<'PY'
import json
import logging
import os

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import AutoTokenizer
from transformers.utils.logging import disable_default_handler

disable_default_handler()  # what is said is printed below
said = []
handler = logging.Handler(logging.WARNING)
handler.emit = lambda record: said.append(record.getMessage())
logging.getLogger("transformers").addHandler(handler)

PROMPT = "RED 2024"
END = "<|endoftext|>"
tokens = [END, *sorted(pre_tokenizers.ByteLevel.alphabet()), "20", "24", "2024", "re", "red"]
file = Tokenizer(models.BPE({token: number for number, token in enumerate(tokens)},
                            [("2", "0"), ("2", "4"), ("20", "24"), ("r", "e"), ("re", "d")]))
file.normalizer = normalizers.Lowercase()
file.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r"\p{N}+|\p{L}+|[^\p{N}\p{L}]+"), "isolated"),
                                              pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
file.decoder = decoders.ByteLevel()
file.add_special_tokens([END])
wanted = file.encode(PROMPT).tokens
assert wanted == ["red", "\u0120", "2024"]


def seen(name):
    """The prompt's tokens by transformers, by the file that it saves, and what it says."""
    os.makedirs(name)
    file.save(f"{name}/tokenizer.json")
    with open(f"{name}/tokenizer_config.json", "w") as config:
        json.dump({"tokenizer_class": name, "eos_token": END, "pad_token": END}, config)
    said.clear()
    tokenizer = AutoTokenizer.from_pretrained(name)
    by_class, warned = tokenizer.tokenize(PROMPT), len(said)
    tokenizer.save_pretrained(f"{name}/again")
    again = Tokenizer.from_file(f"{name}/again/tokenizer.json").encode(PROMPT).tokens
    print(f"{name}: {by_class}, by the file saved again {again}, says {said}")
    return by_class, again, warned


print("tokenizers, from the file:", wanted)
other = ["R", "E", "D", "\u0120", "2", "0", "2", "4"]
for name in ("Qwen2Tokenizer", "Qwen2TokenizerFast"):
    assert seen(name) == (other, other, 0)
assert seen("LlamaTokenizer") == (wanted, wanted, 1)
assert seen("TokenizersBackend") == (wanted, wanted, 0)
PY

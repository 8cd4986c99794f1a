"""Trains the byte-level BPE tokenizer (Qwen's pre-tokeniser and special tokens) and writes the
tokenizer folder.

    python -m training.tokenizer --out FOLDER

Weights belong to their tokenizer: a new one is the beginning of a new model.
"""

import argparse
import json
import random
from pathlib import Path

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from training import languages
from training.captions import caption
from training.edits import instruction, sample_edit
from training.scene import sample_scene
from training.vocabulary import known_words
from training.words import UNKNOWN_NOUNS

VOCABULARY = 3584  # with the special tokens; an upper limit
_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_ADDED = ("<think>", "</think>")
_QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
    r"\s+(?!\S)|\s+"
)
# The part of Qwen3's template that a prompt of one message uses; thinking is off unless asked for.
_CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}"
    "{%- if enable_thinking is defined and enable_thinking is false %}"
    "{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}"
    "{%- endif %}"
)


def _corpus(count):
    rng = random.Random(5)
    for i in range(count):
        scene = sample_scene(rng)
        yield caption(scene, rng, rng.choice(("rich", "rich", "long")))
        if languages.can_say(scene):
            yield languages.caption(scene, rng.choice(list(languages.LANGUAGES)), rng)
        if i % 8 == 0:
            yield instruction(sample_edit(rng), rng)
        if i % 20 == 0:
            yield "\nuser\n\n\nassistant\n\n"
    words = sorted({*known_words(), *UNKNOWN_NOUNS})
    for _ in range(40):
        rng.shuffle(words)
        yield " ".join(words)


def train(captions=30000):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_QWEN_SPLIT), behavior="isolated", invert=False),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.train_from_iterator(
        _corpus(captions),
        trainers.BpeTrainer(
            vocab_size=VOCABULARY - len(_SPECIAL) - len(_ADDED),
            show_progress=False,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        ),
    )
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token in _SPECIAL]
    )
    tokenizer.add_tokens([AddedToken(token, special=False, normalized=False) for token in _ADDED])
    return tokenizer


def _settings(tokenizer):
    added = {
        str(tokenizer.token_to_id(token)): {
            "content": token,
            "lstrip": False,
            "normalized": False,
            "rstrip": False,
            "single_word": False,
            "special": token in _SPECIAL,
        }
        for token in _SPECIAL + _ADDED
    }
    return {
        "tokenizer_class": "Qwen2Tokenizer",
        "add_prefix_space": False,
        "add_bos_token": False,
        "bos_token": None,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "unk_token": None,
        "errors": "replace",
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": False,
        "model_max_length": 512,
        "chat_template": _CHAT_TEMPLATE,
        "additional_special_tokens": ["<|im_start|>", "<|im_end|>"],
        "added_tokens_decoder": added,
    }


def write(tokenizer, folder):
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    model = json.loads(tokenizer.to_str())["model"]
    folder.joinpath("vocab.json").write_text(
        json.dumps(model["vocab"], ensure_ascii=False), encoding="utf-8"
    )
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model["merges"]]
    folder.joinpath("merges.txt").write_text(
        "#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8"
    )
    folder.joinpath("tokenizer_config.json").write_text(
        json.dumps(_settings(tokenizer), indent=2) + "\n"
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--captions", type=int, default=30000)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    tokenizer = train(args.captions)
    write(tokenizer, args.out)
    print(f"{args.out}: {tokenizer.get_vocab_size()} tokens")


if __name__ == "__main__":
    main()

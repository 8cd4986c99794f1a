"""Prompt -> token ids, with Qwen3's chat template around the prompt (12 tokens) and cut at the
longest length.
"""

from pathlib import Path

from tokenizers import Tokenizer

from training.paths import WEIGHTS

PROMPT_HEAD = "<|im_start|>user\n"
PROMPT_TAIL = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
LONGEST_PROMPT = 128  # tokens, template included
TOKENIZER = WEIGHTS / "tokenizer"


class PromptEncoder:
    def __init__(self, folder=TOKENIZER):
        self.tokenizer = Tokenizer.from_file(str(Path(folder) / "tokenizer.json"))
        self.pad = self.tokenizer.token_to_id("<|endoftext|>")

    def __call__(self, prompt):
        """A list of at most LONGEST_PROMPT ids."""
        return self.tokenizer.encode(PROMPT_HEAD + prompt + PROMPT_TAIL).ids[:LONGEST_PROMPT]

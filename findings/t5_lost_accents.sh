#!/usr/bin/env bash
# Hugging Face's tokenizer for T5 drops the accent behind a full-width letter; SentencePiece keeps it.
#
# Seen with tokenizers 0.23.3 and sentencepiece 0.2.3, with the vocabulary of T5 v1.1 in both forms, as
# diffsynth 1.0.0 carries them. Both replace characters by the table that the vocabulary holds (full-width
# letters, ligatures, fractions). tokenizers looks the table up for a letter together with its combining
# marks; where it has only the letter, the marks are gone. So "cafe" in full-width letters with a
# combining acute is the word with the accent for SentencePiece and without it for tokenizers, while
# plain "cafe" with the same mark agrees. "fi" as a ligature loses a mark in the same way.
#
# Why it matters: both hold the same table, and a test over every single character does not see it. An
# engine with SentencePiece's rules embeds other tokens than FLUX.1's and SD3's reference pipelines for
# text typed in full width, and its author looks for the fault at home.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib/python.sh"

# diffsynth for its files alone: what it depends on is not needed.
with_packages tokenizers==0.23.3 sentencepiece==0.2.3 <<'PY'
import pathlib
import subprocess
import sys
import zipfile

import sentencepiece
from tokenizers import Tokenizer

subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps",
                "--disable-pip-version-check", "diffsynth==1.0.0"], check=True)
(wheel,) = pathlib.Path(".").glob("diffsynth-1.0.0-*.whl")
with zipfile.ZipFile(wheel) as files:
    folder = "diffsynth/tokenizer_configs/stable_diffusion_3/tokenizer_3/"
    original = sentencepiece.SentencePieceProcessor(model_proto=files.read(folder + "spiece.model"))
    converted = Tokenizer.from_buffer(files.read(folder + "tokenizer.json"))


def both(text):
    pieces = original.encode(text, out_type=str)
    tokens = converted.encode(text, add_special_tokens=False).tokens
    print(ascii(text), "sentencepiece:", pieces, "tokenizers:", tokens)
    return "".join(pieces).replace("\u2581", " ").strip(), "".join(tokens).replace("\u2581", " ").strip()


ACUTE, DIAERESIS = "\u0301", "\u0308"
wide = str.maketrans({chr(c): chr(c - 0x21 + 0xFF01) for c in range(0x21, 0x7F)})

assert both("cafe" + ACUTE) == ("caf\xe9", "caf\xe9")
assert both(("cafe" + ACUTE).translate(wide)) == ("caf\xe9", "cafe")
assert both(("Zu" + DIAERESIS + "rich").translate(wide)) == ("Z\xfcrich", "Zurich")
assert both("\ufb01" + ACUTE + "lm") == ("fi" + ACUTE + "lm", "film")
PY

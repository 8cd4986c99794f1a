"""Trains small T5 and CLIP tokenizers and records their ids, which ours are compared with.

    python tools/record_tokenizers.py build/vocabularies/t5/tokenizer.json tests/golden

Needs sentencepiece, tokenizers and transformers 5. Both vocabularies are trained on made-up
sentences. Of T5's character map (the first argument) the rules for the characters of RULES are
taken and compiled anew by SentencePiece. Written are the folders small_t5 (tokenizer.json as
transformers 4 and 5 write it, and SentencePiece's own file) and small_clip, and
small_tokenizer_cases.json. tests/golden/README.md says what they hold.
"""

import base64
import json
import random
import sys
import tempfile
from pathlib import Path

import sentencepiece
import transformers
from tokenizers import (
    Regex, Tokenizer, __version__, decoders, models, normalizers, pre_tokenizers,
    processors, trainers,
)

WORDS = (
    "a the red blue fox cat dog river snow window mountain photo photograph of in on with under"
    " small happy cactus face desert painter's it's don't they'll we've bright evening light street"
    " market portrait café naïve Zürich señor 35mm 4k 1980s golden hour wide angle, detailed. soft;"
    " misty! green (old) sea-side lamp? фон зима снег 写真 猫"
).split()
CLIP_PATTERN = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)
# Characters whose rules the small map keeps.
RULES = set(map(chr, [*range(0x180), *range(0x300, 0x330), *range(0x391, 0x3D0),
                      *range(0x2000, 0x2080), *range(0x2100, 0x2180), 0x1100, 0x1112, 0x1161, 0x11AB,
                      0x2581, *range(0x2460, 0x2470), *range(0x3000, 0x3010), 0xD558, 0xD55C, 0xFDFA,
                      0xFEFF, *range(0xFB00, 0xFB07), *range(0xFF01, 0xFF60), 0xFF76, 0xFF9E, 0x1ED9]))
PIECES = [
    *WORDS, *"abcXYZ059.,!?'-<>|\t\n\r", "  ", "   ", " ", "\u00a0", "\u3000", "\u200b", "\u0085",
    "\u2028", "É", "e\u0301", "o\u0302\u0323", "ﬁ", "ﬁ\u0301", "½", "Å", "ＡＢＣ", "İ", "ı", "ß", "ẞ",
    "ΣΑΣ", "ς", "Ω", "ⅷ", "²", "ｶﾞ", "Ж", "😀", "👩‍👩‍👧", "❤️", "\u1112\u1161\u11ab", "한", "ﷺ", "\ufeff",
    "\u00ad", "—", "“", "…", "™", "℡", "\x00", "\x01", "\x7f", "\x0b", "\u2581", "ǅ", "٣", "①", "\ufffd",
    "\U0010ffff", "ŉ", "ſ", "'S", "'LL", "'re", "<|startoftext|>", "<|endoftext|>", "<|STARTOFTEXT|>",
    "<|ENDOFTEXT|>!", "<extra_id_0>", " <extra_id_9> ", "</s>", "<pad>", "</w>",
]
ADDED = ("<extra_id_", "</s>", "<pad>", "<unk>")


def map_rules(blob):
    """The rules of a precompiled map for characters of RULES: {text: replacement}."""
    size = int.from_bytes(blob[:4], "little")
    units = memoryview(blob[4 : 4 + size]).cast("I")
    texts = blob[4 + size :]

    def offset(unit):
        return (unit >> 10) << ((unit & 512) >> 6)

    def walk(node, key):
        for byte in range(1, 256):
            place = node ^ byte
            if place >= len(units) or units[place] & 0x800000FF != byte:
                continue
            child = place ^ offset(units[place])
            if units[place] >> 8 & 1:
                begin = units[child] & 0x7FFFFFFF
                yield key + bytes([byte]), texts[begin : texts.index(0, begin)]
            yield from walk(child, key + bytes([byte]))

    rules = ((k.decode(), v.decode()) for k, v in walk(offset(units[0]), b""))
    return {k: v for k, v in rules if set(k) <= RULES}


def fields(message):
    """(number, value) of each field of a protobuf message."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        tag = varint()
        if tag & 7 == 0:
            yield tag >> 3, varint()
            continue
        size = varint() if tag & 7 == 2 else {1: 8, 5: 4}[tag & 7]
        yield tag >> 3, message[at : at + size]
        at += size


def train_sentencepiece(sentences, rules):
    """A model of 400 pieces with T5's special ids, as bytes."""
    with tempfile.TemporaryDirectory() as folder:
        text, table, model = (Path(folder) / name for name in ("text", "rules.tsv", "small"))
        text.write_text("\n".join(sentences))
        code_points = lambda s: " ".join(f"{ord(c):X}" for c in s)
        table.write_text("".join(f"{code_points(k)}\t{code_points(v)}\n" for k, v in rules.items()))
        sentencepiece.SentencePieceTrainer.train(
            input=str(text), model_prefix=str(model), vocab_size=400, model_type="unigram",
            normalization_rule_tsv=str(table), pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
            hard_vocab_limit=False, num_threads=1, minloglevel=2)
        return model.with_suffix(".model").read_bytes()


def t5_tokenizers(model):
    """tokenizer.json in the spelling of transformers 4, and that of transformers 5."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    vocab = [(processor.id_to_piece(i), processor.get_score(i)) for i in range(len(processor))]
    vocab += [(f"<extra_id_{i}>", 0.0) for i in reversed(range(100))]
    normalizer = next(value for number, value in fields(model) if number == 3)
    blob = next(value for number, value in fields(normalizer) if number == 2)
    metaspace = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    precompiled = normalizers.Precompiled(blob)
    older = normalizers.Sequence([
        precompiled, normalizers.Strip(left=False, right=True),
        normalizers.Replace(Regex(" {2,}"), "▁")])
    newer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace])
    for normal, before in ((older, metaspace), (precompiled, newer)):
        tokenizer = Tokenizer(models.Unigram(vocab, unk_id=2, byte_fallback=False))
        tokenizer.normalizer, tokenizer.pre_tokenizer = normal, before
        tokenizer.post_processor = processors.TemplateProcessing(
            single=["$A", "</s>"], special_tokens=[("</s>", 1)])
        tokenizer.add_special_tokens(["<pad>", "</s>", "<unk>"] + [p for p, _ in vocab[-100:]])
        yield tokenizer, processor


def train_clip(sentences):
    tokenizer = Tokenizer(models.BPE(unk_token="<|endoftext|>", end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(CLIP_PATTERN), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(sentences, trainers.BpeTrainer(
        vocab_size=600, initial_alphabet=alphabet, end_of_word_suffix="</w>",
        special_tokens=["<|startoftext|>", "<|endoftext|>"], show_progress=False))
    return tokenizer


def save_clip(tokenizer, folder):
    folder.mkdir(exist_ok=True)
    model = json.loads(tokenizer.to_str())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"], ensure_ascii=False))
    merges = [" ".join(m) if isinstance(m, list) else m for m in model["merges"]]
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    mark = {"lstrip": False, "rstrip": False, "single_word": False, "special": True}
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "added_tokens_decoder": {
            "0": {"content": "<|startoftext|>", "normalized": True, **mark},
            "1": {"content": "<|endoftext|>", "normalized": False, **mark}},
        "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>", "model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}))
    return transformers.CLIPTokenizer.from_pretrained(folder)


def case_texts(rng):
    yield from ["", " ", "\n", "   ", "a", "'", "\u0301", "\x00", "\ufeff", "\u2581", "<|endoftext|>"]
    for i in range(190):
        glue = rng.choice(["", " ", "  "])
        yield glue.join(rng.choice(PIECES) for _ in range(rng.randint(1, 12)))


def main():
    source, out = Path(sys.argv[1]), Path(sys.argv[2])
    rng = random.Random(7)
    sentences = [" ".join(rng.choice(WORDS) for _ in range(rng.randint(3, 14))) for _ in range(3000)]
    steps = json.loads(source.read_text())["normalizer"]
    step = next(s for s in steps.get("normalizers", [steps]) if s["type"] == "Precompiled")
    model = train_sentencepiece(
        sentences, map_rules(base64.b64decode(step["precompiled_charsmap"])))
    (older, processor), (newer, _) = t5_tokenizers(model)
    for name, tokenizer in (("small_t5", older), ("small_t5_newer", newer)):
        (out / name).mkdir(exist_ok=True)
        (out / name / "tokenizer.json").write_text(
            json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False))
    (out / "small_t5_spiece").mkdir(exist_ok=True)
    (out / "small_t5_spiece" / "spiece.model").write_bytes(model)
    clip = save_clip(train_clip(sentences), out / "small_clip")
    t5_cases, clip_cases, parted = [], [], 0
    for text in case_texts(rng):
        clip_cases.append({"text": text, "ids": clip(text).input_ids})
        theirs = older.encode(text, add_special_tokens=False).ids
        own = processor.encode(text)
        case = {"text": text, "ids": own}
        if any(token in text for token in ADDED):  # SentencePiece knows no added tokens
            if "\u0301" in text or "\u0323" in text:  # and tokenizers loses marks
                text = text.replace("\u0301", "").replace("\u0323", "")
                theirs = older.encode(text, add_special_tokens=False).ids
            case = {"text": text, "ids": theirs}
        elif "\u0085" not in text:
            parted += own != theirs
        if "\u0085" in text:  # white space to some and a character to others
            case["small_t5"] = theirs
            case["small_t5_newer"] = newer.encode(text, add_special_tokens=False).ids
        t5_cases.append(case)
    assert len(t5_cases) == len(clip_cases)
    with (out / "small_tokenizer_cases.json").open("w") as file:
        head = {"format": "imagined-tokenizer-2", "tokenizers": __version__,
                "transformers": transformers.__version__, "sentencepiece": sentencepiece.__version__}
        lines = lambda cases: ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
        file.write(json.dumps(head)[:-1] + ',\n"t5": [\n' + lines(t5_cases) + '\n],\n"clip": [\n'
                   + lines(clip_cases) + "\n]}\n")
    print(f"{len(t5_cases)} texts, {parted} of them differ between tokenizers and SentencePiece")


if __name__ == "__main__":
    main()

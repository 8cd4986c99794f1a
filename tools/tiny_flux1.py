"""Writes a FLUX.1 model of tiny random networks as a diffusers folder, for recorded runs.

    python tools/tiny_flux1.py --kind schnell|dev|kontext [--seed 0] [--dtype bfloat16] --out FOLDER

All sizes differ from each other, so that no two can be mixed up. Weights are scaled so that
activations stay near 1 and every tensor matters: norms, biases, gates, the relative positions of
T5. A folder has no place for the length to which T5's prompt is padded, so model_index.json says
it: max_sequence_length, which diffusers ignores and tools/record_golden.py passes on.
"""

import argparse
import json
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    FlowMatchEulerDiscreteScheduler,
    FluxKontextPipeline,
    FluxPipeline,
    FluxTransformer2DModel,
)
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    T5Config,
    T5EncoderModel,
    T5TokenizerFast,
)

_CORPUS = [
    "a small red house on a hill by the sea, painted in oil, with a bright yellow sun",
    "two black cats and three white dogs sit under a tall green tree in the evening light",
    "a photograph of an old wooden boat, its sails torn by the wind, near a lighthouse",
    "the portrait of a woman with a blue hat; she isn't smiling, it's raining outside",
    "a bowl of 12 apples and 7 pears on a table, seen from above, in the style of a sketch",
    "mountains at night with stars, snow and a river that runs through the valley below",
]
_CLIP_LENGTH = 21  # tokens
_T5_LENGTH = {"schnell": 26, "dev": 37, "kontext": 33}


def t5_tokenizer():
    """Unigram pieces in the order of the published ones: <pad>, </s>, <unk>, then the pieces."""
    trained = Tokenizer(models.Unigram())
    trained.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    trainer = trainers.UnigramTrainer(
        vocab_size=150,
        special_tokens=["<pad>", "</s>", "<unk>"],
        unk_token="<unk>",
        show_progress=False,
    )
    trained.train_from_iterator(_CORPUS, trainer)
    pieces = [tuple(piece) for piece in json.loads(trained.to_str())["model"]["vocab"]]
    pieces[3:] = sorted(pieces[3:], key=lambda piece: (-piece[1], piece[0]))
    extra = 4
    pieces += [(f"<extra_id_{i}>", 0.0) for i in reversed(range(extra))]
    return T5TokenizerFast(vocab=pieces, extra_ids=extra)


def clip_tokenizer():
    """Ids in the order of the published ones: bytes, bytes that end a word, merges, two marks."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trained = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Whitespace(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    trained.train_from_iterator(_CORPUS, trainer)
    merges = [tuple(pair) for pair in json.loads(trained.to_str())["model"]["merges"]][:90]
    tokens = alphabet + [letter + "</w>" for letter in alphabet]
    tokens += [left + right for left, right in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocab = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=_CLIP_LENGTH)


def save_clip_files(tokenizer, folder):
    """The two files of the published folder, beside the one that transformers 5 writes."""
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"], ensure_ascii=False))
    lines = [pair if isinstance(pair, str) else " ".join(pair) for pair in model["merges"]]
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(lines) + "\n")


def _gain(name):
    """How large the outputs of a weight are, where its inputs are near 1."""
    if name.endswith("SelfAttention.q.weight"):
        return 0.4  # T5 does not divide its scores
    if "relative_attention_bias" in name or "position_embedding" in name:
        return 0.6
    if any(part in name for part in (".norm1", ".norm.linear", "norm_out")):
        return 0.5  # shifts, scales and gates
    if name.endswith("conv_out.weight"):
        return 0.7
    return 1.4 if "conv" in name else 1.0


@torch.no_grad()
def randomise(module, seed):
    """Replaces every parameter by a random one of fitting size."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim == 1 and name.endswith("weight"):  # of a norm
            parameter.copy_(1 + 0.2 * noise)
        elif parameter.ndim == 1:
            parameter.copy_(0.15 * noise)
        elif "embedding" in name or "shared" in name or "relative_attention_bias" in name:
            parameter.copy_(_gain(name) * noise)
        else:
            parameter.copy_(_gain(name) * noise / parameter[0].numel() ** 0.5)
    return module.eval()


def build(kind, seed):
    """The pipeline of that kind: schnell, or dev and Kontext with their guidance and their shift."""
    dev = kind != "schnell"
    words, letters = t5_tokenizer(), clip_tokenizer()
    t5 = T5Config(
        vocab_size=len(words) + 3,  # published ones are padded too
        d_model=28,
        d_kv=6,
        num_heads=5,
        d_ff=44,
        num_layers=3,
        feed_forward_proj="gated-gelu",
        relative_attention_num_buckets=12,
        relative_attention_max_distance=20,
    )
    clip = CLIPTextConfig(
        vocab_size=len(letters),
        hidden_size=36,
        intermediate_size=50,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=_CLIP_LENGTH,
        hidden_act="quick_gelu",
        bos_token_id=letters.bos_token_id,
        # The published file says 2, which transformers takes for "the largest id".
        eos_token_id=letters.eos_token_id if dev else 2,
        pad_token_id=letters.eos_token_id,
    )
    latents = 5
    transformer = FluxTransformer2DModel(
        in_channels=4 * latents,
        num_layers=2,
        num_single_layers=3,
        attention_head_dim=24,
        num_attention_heads=2,
        joint_attention_dim=28,
        pooled_projection_dim=36,
        guidance_embeds=dev,
        axes_dims_rope=(4, 8, 12),
    )
    vae = AutoencoderKL(
        block_out_channels=(8, 12, 16, 20),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=latents,
        norm_num_groups=4,
        sample_size=64,
        scaling_factor=0.37,
        shift_factor=0.13,
        use_quant_conv=False,
        use_post_quant_conv=False,
    )
    scheduler = FlowMatchEulerDiscreteScheduler(
        shift=3.0 if dev else 1.0,
        use_dynamic_shifting=dev,
        base_shift=0.5,
        max_shift=1.15,
        base_image_seq_len=256,
        max_image_seq_len=4096,
    )
    return (FluxKontextPipeline if kind == "kontext" else FluxPipeline)(
        scheduler=scheduler,
        vae=randomise(vae, seed),
        text_encoder=randomise(CLIPTextModel(clip), seed + 1),
        tokenizer=letters,
        text_encoder_2=randomise(T5EncoderModel(t5), seed + 2),
        tokenizer_2=words,
        transformer=randomise(transformer, seed + 3),
    )


def save(pipeline, kind, out):
    pipeline.save_pretrained(out)
    save_clip_files(pipeline.tokenizer, out / "tokenizer")
    index_file = out / "model_index.json"
    index = json.loads(index_file.read_text())
    index["max_sequence_length"] = _T5_LENGTH[kind]
    index_file.write_text(json.dumps(index, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kind", choices=["schnell", "dev", "kontext"], required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dtype", default="float32", help="in which the weights are stored")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    save(build(args.kind, args.seed).to(getattr(torch, args.dtype)), args.kind, args.out)


if __name__ == "__main__":
    main()

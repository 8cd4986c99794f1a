"""Writes a FLUX.2 [dev] model of tiny random networks as a diffusers folder, for recorded runs.

    python tools/tiny_flux2_dev.py [--seed 0] [--dtype bfloat16] --out FOLDER

All sizes differ from each other. A folder has no place for what the pipeline is called with, so
model_index.json says it: text_encoder_out_layers and max_sequence_length, which diffusers ignores
and tools/record_golden.py passes on.
"""

import argparse
import json
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKLFlux2,
    FlowMatchEulerDiscreteScheduler,
    Flux2Pipeline,
    Flux2Transformer2DModel,
)
from tiny_flux1 import _CORPUS
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    Mistral3Config,
    Mistral3ForConditionalGeneration,
    MistralConfig,
    PixtralImageProcessor,
    PixtralProcessor,
    PixtralVisionConfig,
    PreTrainedTokenizerFast,
)

_TAPS = (1, 2, 4)
_LENGTH = 150
_MARKS = ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]",
          "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]", "[IMG]", "<pad>", "[IMG_BREAK]",
          "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"]
# Mistral's "tekken", as the published tokenizer.json spells it.
_PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?"
    r"[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}[SYSTEM_PROMPT]"
    "{% for part in message['content'] %}{{ part['text'] }}{% endfor %}[/SYSTEM_PROMPT]"
    "{% else %}[INST]"
    "{% for part in message['content'] %}{{ part['text'] }}{% endfor %}[/INST]"
    "{% endif %}{% endfor %}")


def tokenizer():
    """Marks first, then bytes and merges, as the published one."""
    trained = Tokenizer(models.BPE(ignore_merges=True))
    trained.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(_PATTERN), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        special_tokens=_MARKS, show_progress=False)
    trained.train_from_iterator(_CORPUS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=trained, bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        pad_token="<pad>", padding_side="left", chat_template=_TEMPLATE)


def _gain(name):
    if any(part in name for part in ("modulation", "norm_out")):
        return 0.5
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
        elif "embed_tokens" in name:
            parameter.copy_(noise)
        else:
            parameter.copy_(_gain(name) * noise / parameter[0].numel() ** 0.5)
    for name, buffer in module.named_buffers():
        if name.endswith("running_mean"):
            buffer.copy_(0.3 * torch.randn(buffer.shape, generator=generator))
        if name.endswith("running_var"):
            buffer.copy_(0.3 + torch.rand(buffer.shape, generator=generator))
    return module.eval()


def build(seed):
    words = tokenizer()
    processor = PixtralProcessor(
        image_processor=PixtralImageProcessor(), tokenizer=words, patch_size=14,
        spatial_merge_size=2, chat_template=_TEMPLATE)
    text = MistralConfig(
        vocab_size=len(words) + 4, hidden_size=20, intermediate_size=36, num_hidden_layers=5,
        num_attention_heads=3, num_key_value_heads=1, head_dim=16, rms_norm_eps=1e-5,
        rope_theta=1e9, sliding_window=None, max_position_embeddings=512,
        tie_word_embeddings=False)
    sight = PixtralVisionConfig(
        hidden_size=16, intermediate_size=20, num_hidden_layers=1, num_attention_heads=2,
        image_size=28, patch_size=14, head_dim=8)
    encoder = Mistral3ForConditionalGeneration(Mistral3Config(
        text_config=text, vision_config=sight, image_token_index=10, spatial_merge_size=2))
    latents = 6
    transformer = Flux2Transformer2DModel(
        in_channels=4 * latents, num_layers=2, num_single_layers=2, attention_head_dim=24,
        num_attention_heads=2, joint_attention_dim=20 * len(_TAPS), mlp_ratio=2.0,
        axes_dims_rope=(4, 8, 8, 4), rope_theta=2000, guidance_embeds=True)
    vae = AutoencoderKLFlux2(
        block_out_channels=(4, 8, 8, 12), down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, layers_per_block=1, latent_channels=latents,
        norm_num_groups=2, sample_size=64)
    return Flux2Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0, use_dynamic_shifting=True),
        vae=randomise(vae, seed), text_encoder=randomise(encoder, seed + 1),
        tokenizer=processor, transformer=randomise(transformer, seed + 2))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dtype", default="float32", help="in which the weights are stored")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    build(args.seed).to(getattr(torch, args.dtype)).save_pretrained(args.out)
    index_file = args.out / "model_index.json"
    index = json.loads(index_file.read_text())
    index["text_encoder_out_layers"] = _TAPS
    index["max_sequence_length"] = _LENGTH
    index_file.write_text(json.dumps(index, indent=2) + "\n")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes a model with the true shapes of FLUX.2 [klein] and random weights, for timing and for
checks of memory and loading. The pictures are noise; nothing is downloaded.

    tools/random_weights.py OUT                       a diffusers folder, klein-4b: about 16 GB
    tools/random_weights.py OUT --shape tiny          the same layout in a megabyte
    tools/random_weights.py OUT --layout bfl          one file as Black Forest Labs names tensors,
                                                      ae.safetensors and the text encoder beside it
    tools/random_weights.py OUT --only transformer    one part

Only Python's own library is needed. Matrices are bf16 with a standard deviation of 1/sqrt(inputs),
norms are 1. Values come from one block of normal numbers (a million for the large shapes), entered at
a place that depends on the weight's name: both layouts of one seed are the same model.
"""

import argparse
import array
import json
import math
import pathlib
import random
import re
import struct
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = 1_048_573  # values in the block; prime, so that no row length divides it
TINY_BLOCK = 65_521
SHARD_BYTES = 5_000_000_000

SHAPES = {
    "klein-4b": dict(heads=24, head_dim=128, double=5, single=20, axes=[32] * 4, hidden=2560,
                     layers=36, query_heads=32, kv_heads=8, text_head_dim=128, ffn=9728,
                     vocab=151936, first_special=151643, taps=None, tokens=None,
                     channels=[128, 256, 512, 512], latent=32, groups=32, resnets=2),
    "klein-9b": dict(heads=32, head_dim=128, double=8, single=24, axes=[32] * 4, hidden=4096,
                     layers=36, query_heads=32, kv_heads=8, text_head_dim=128, ffn=12288,
                     vocab=151936, first_special=151643, taps=None, tokens=None,
                     channels=[128, 256, 512, 512], latent=32, groups=32, resnets=2),
    # 32 groups and four equal axes, because a single file says neither.
    "tiny": dict(heads=2, head_dim=32, double=2, single=2, axes=[8] * 4, hidden=32,
                 layers=28, query_heads=4, kv_heads=2, text_head_dim=16, ffn=48,
                 vocab=704, first_special=656, taps=None, tokens=None,
                 channels=[32, 32, 64], latent=4, groups=32, resnets=1),
}
SPECIAL = """<|endoftext|> <|im_start|> <|im_end|> <|object_ref_start|> <|object_ref_end|>
<|box_start|> <|box_end|> <|quad_start|> <|quad_end|> <|vision_start|> <|vision_end|> <|vision_pad|>
<|image_pad|> <|video_pad|> <tool_call> </tool_call> <|fim_prefix|> <|fim_middle|> <|fim_suffix|>
<|fim_pad|> <|repo_name|> <|file_sep|> <tool_response> </tool_response> <think> </think>""".split()


# ---- names and shapes -------------------------------------------------------------------------------


def transformer(s):
    """Tensors under diffusers' names: {name: shape}."""
    width = s["heads"] * s["head_dim"]
    context = 3 * s["hidden"]
    channels = 4 * s["latent"]
    out = {
        "x_embedder.weight": [width, channels],
        "context_embedder.weight": [width, context],
        "time_guidance_embed.timestep_embedder.linear_1.weight": [width, 256],
        "time_guidance_embed.timestep_embedder.linear_2.weight": [width, width],
        "double_stream_modulation_img.linear.weight": [6 * width, width],
        "double_stream_modulation_txt.linear.weight": [6 * width, width],
        "single_stream_modulation.linear.weight": [3 * width, width],
        "norm_out.linear.weight": [2 * width, width],
        "proj_out.weight": [channels, width],
    }
    for i in range(s["double"]):
        block = f"transformer_blocks.{i}."
        for name in ("to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj", "to_out.0",
                     "to_add_out"):
            out[f"{block}attn.{name}.weight"] = [width, width]
        for name in ("norm_q", "norm_k", "norm_added_q", "norm_added_k"):
            out[f"{block}attn.{name}.weight"] = [s["head_dim"]]
        for name in ("ff", "ff_context"):
            out[f"{block}{name}.linear_in.weight"] = [6 * width, width]
            out[f"{block}{name}.linear_out.weight"] = [width, 3 * width]
    for i in range(s["single"]):
        block = f"single_transformer_blocks.{i}.attn."
        out[f"{block}to_qkv_mlp_proj.weight"] = [9 * width, width]
        out[f"{block}to_out.weight"] = [width, 4 * width]
        out[f"{block}norm_q.weight"] = [s["head_dim"]]
        out[f"{block}norm_k.weight"] = [s["head_dim"]]
    return out


def text_encoder(s):
    query, key = s["query_heads"] * s["text_head_dim"], s["kv_heads"] * s["text_head_dim"]
    out = {"model.embed_tokens.weight": [s["vocab"], s["hidden"]]}
    for i in range(s["layers"]):
        layer = f"model.layers.{i}."
        out[layer + "input_layernorm.weight"] = [s["hidden"]]
        out[layer + "self_attn.q_proj.weight"] = [query, s["hidden"]]
        out[layer + "self_attn.k_proj.weight"] = [key, s["hidden"]]
        out[layer + "self_attn.v_proj.weight"] = [key, s["hidden"]]
        out[layer + "self_attn.q_norm.weight"] = [s["text_head_dim"]]
        out[layer + "self_attn.k_norm.weight"] = [s["text_head_dim"]]
        out[layer + "self_attn.o_proj.weight"] = [s["hidden"], query]
        out[layer + "post_attention_layernorm.weight"] = [s["hidden"]]
        out[layer + "mlp.gate_proj.weight"] = [s["ffn"], s["hidden"]]
        out[layer + "mlp.up_proj.weight"] = [s["ffn"], s["hidden"]]
        out[layer + "mlp.down_proj.weight"] = [s["hidden"], s["ffn"]]
    out["model.norm.weight"] = [s["hidden"]]
    return out


def vae(s):
    out = {}

    def conv(name, rows, cols, side):
        out[name + ".weight"] = [rows, cols, side, side]
        out[name + ".bias"] = [rows]

    def norm(name, size):
        out[name + ".weight"] = [size]
        out[name + ".bias"] = [size]

    def resnet(name, cols, rows):
        norm(name + ".norm1", cols)
        conv(name + ".conv1", rows, cols, 3)
        norm(name + ".norm2", rows)
        conv(name + ".conv2", rows, rows, 3)
        if cols != rows:
            conv(name + ".conv_shortcut", rows, cols, 1)

    def middle(name, size):
        resnet(name + ".resnets.0", size, size)
        resnet(name + ".resnets.1", size, size)
        norm(name + ".attentions.0.group_norm", size)
        for part in ("to_q", "to_k", "to_v", "to_out.0"):
            out[f"{name}.attentions.0.{part}.weight"] = [size, size]
            out[f"{name}.attentions.0.{part}.bias"] = [size]

    channels, latent = s["channels"], s["latent"]
    levels = len(channels)
    conv("encoder.conv_in", channels[0], 3, 3)
    before = channels[0]
    for level, size in enumerate(channels):
        for i in range(s["resnets"]):
            resnet(f"encoder.down_blocks.{level}.resnets.{i}", before, size)
            before = size
        if level + 1 < levels:
            conv(f"encoder.down_blocks.{level}.downsamplers.0.conv", size, size, 3)
    middle("encoder.mid_block", before)
    norm("encoder.conv_norm_out", before)
    conv("encoder.conv_out", 2 * latent, before, 3)
    conv("quant_conv", 2 * latent, 2 * latent, 1)
    conv("post_quant_conv", latent, latent, 1)
    conv("decoder.conv_in", before, latent, 3)
    middle("decoder.mid_block", before)
    for level, size in enumerate(reversed(channels)):
        for i in range(s["resnets"] + 1):
            resnet(f"decoder.up_blocks.{level}.resnets.{i}", before, size)
            before = size
        if level + 1 < levels:
            conv(f"decoder.up_blocks.{level}.upsamplers.0.conv", size, size, 3)
    norm("decoder.conv_norm_out", before)
    conv("decoder.conv_out", 3, before, 3)
    out["bn.running_mean"] = [4 * latent]
    out["bn.running_var"] = [4 * latent]
    return out


# ---- the other layout -------------------------------------------------------------------------------

BFL_TRANSFORMER = {
    "x_embedder": "img_in",
    "context_embedder": "txt_in",
    "time_guidance_embed.timestep_embedder.linear_1": "time_in.in_layer",
    "time_guidance_embed.timestep_embedder.linear_2": "time_in.out_layer",
    "double_stream_modulation_img.linear": "double_stream_modulation_img.lin",
    "double_stream_modulation_txt.linear": "double_stream_modulation_txt.lin",
    "single_stream_modulation.linear": "single_stream_modulation.lin",
    "norm_out.linear": "final_layer.adaLN_modulation.1",
    "proj_out": "final_layer.linear",
}
BFL_DOUBLE = {
    "attn.norm_q": "img_attn.norm.query_norm", "attn.norm_k": "img_attn.norm.key_norm",
    "attn.norm_added_q": "txt_attn.norm.query_norm", "attn.norm_added_k": "txt_attn.norm.key_norm",
    "attn.to_out.0": "img_attn.proj", "attn.to_add_out": "txt_attn.proj",
    "ff.linear_in": "img_mlp.0", "ff.linear_out": "img_mlp.2",
    "ff_context.linear_in": "txt_mlp.0", "ff_context.linear_out": "txt_mlp.2",
}
BFL_SINGLE = {"attn.to_qkv_mlp_proj": "linear1", "attn.to_out": "linear2",
              "attn.norm_q": "norm.query_norm", "attn.norm_k": "norm.key_norm"}


def bfl_transformer_name(name):
    stem = name.removesuffix(".weight")
    if stem in BFL_TRANSFORMER:
        return BFL_TRANSFORMER[stem] + ".weight"
    kind, index, rest = re.fullmatch(r"(\w+)\.(\d+)\.(.+)", stem).groups()
    single = kind == "single_transformer_blocks"
    new = (BFL_SINGLE if single else BFL_DOUBLE)[rest]
    ending = "scale" if new.endswith("_norm") else "weight"
    return f"{'single_blocks' if single else 'double_blocks'}.{index}.{new}.{ending}"


def bfl_transformer(tensors):
    """[(file name, shape, [canonical name and which rows])]: q, k and v fused, halves exchanged."""
    out = []
    fused = {"to_q": ("img", "to_q to_k to_v"),
             "add_q_proj": ("txt", "add_q_proj add_k_proj add_v_proj")}
    for name, shape in tensors.items():
        match = re.fullmatch(r"transformer_blocks\.(\d+)\.attn\.(to_[qkv]|add_[qkv]_proj)\.weight", name)
        if match:
            index, part = match.groups()
            if part in fused:
                stream, parts = fused[part]
                rows = [(f"transformer_blocks.{index}.attn.{p}.weight", shape, "all")
                        for p in parts.split()]
                out.append((f"double_blocks.{index}.{stream}_attn.qkv.weight",
                            [3 * shape[0], shape[1]], rows))
        elif name == "norm_out.linear.weight":
            out.append((bfl_transformer_name(name), shape,
                        [(name, shape, "second half"), (name, shape, "first half")]))
        else:
            out.append((bfl_transformer_name(name), shape, [(name, shape, "all")]))
    return out


def bfl_vae(tensors, levels):
    rules = [
        (r"(quant_conv\..*)", r"encoder.\1"), (r"(post_quant_conv\..*)", r"decoder.\1"),
        (r"(.*)\.conv_norm_out(.*)", r"\1.norm_out\2"), (r"(.*)conv_shortcut(.*)", r"\1nin_shortcut\2"),
        (r"(.*)\.mid_block\.resnets\.0(.*)", r"\1.mid.block_1\2"),
        (r"(.*)\.mid_block\.resnets\.1(.*)", r"\1.mid.block_2\2"),
        (r"(.*)\.mid_block\.attentions\.0\.group_norm(.*)", r"\1.mid.attn_1.norm\2"),
        (r"(.*)\.mid_block\.attentions\.0\.to_out\.0(.*)", r"\1.mid.attn_1.proj_out\2"),
        (r"(.*)\.mid_block\.attentions\.0\.to_([qkv])(.*)", r"\1.mid.attn_1.\2\3"),
        (r"(.*)\.down_blocks\.(\d)\.resnets\.(.*)", r"\1.down.\2.block.\3"),
        (r"(.*)\.down_blocks\.(\d)\.downsamplers\.0(.*)", r"\1.down.\2.downsample\3"),
        (r"(.*)\.up_blocks\.(\d)\.resnets\.(.*)", r"\1.up.\2.block.\3"),
        (r"(.*)\.up_blocks\.(\d)\.upsamplers\.0(.*)", r"\1.up.\2.upsample\3"),
    ]
    out = []
    for name, shape in tensors.items():
        new = name
        for pattern, replacement in rules:
            new = re.sub(f"^{pattern}$", replacement, new)
        # Black Forest Labs count the decoder's levels from the other end.
        new = re.sub(r"^decoder\.up\.(\d)", lambda m: f"decoder.up.{levels - 1 - int(m[1])}", new)
        linear = ".attn_1." in new and len(shape) == 2
        out.append((new, shape + [1, 1] if linear else shape, [(name, shape, "all")]))
    return out


def plain(tensors):
    return [(name, shape, [(name, shape, "all")]) for name, shape in tensors.items()]


# ---- values and files -------------------------------------------------------------------------------


def to_bf16(values):
    """Little-endian bf16 of an array of floats: the upper halves."""
    wide = values.tobytes()
    out = bytearray(2 * len(values))
    out[0::2] = wide[2::4]
    out[1::2] = wide[3::4]
    return bytes(out)


class Values:
    def __init__(self, seed, size):
        generator = random.Random(seed)
        self.size = size
        self.unit = array.array("f", (generator.gauss(0, 1) for _ in range(size)))
        self.blocks = {}

    def block(self, deviation):
        if deviation not in self.blocks:
            scaled = array.array("f", (deviation * value for value in self.unit))
            self.blocks[deviation] = memoryview(to_bf16(scaled))
        return self.blocks[deviation]

    def constant(self, value, count):
        return [to_bf16(array.array("f", [value])) * count]

    def chunks(self, name, shape, rows):
        """The bytes of a weight, or of a half of its rows, piece by piece."""
        count = math.prod(shape)
        if name == "bn.running_var":
            yield from self.constant(3.0, count)
        elif name.endswith(".bias") or name.startswith("bn."):
            yield from self.constant(0.0, count)
        elif len(shape) == 1:
            yield from self.constant(1.0, count)
        else:
            fan_in = 1 if name.endswith("embed_tokens.weight") else math.prod(shape[1:])
            block = self.block(1 / math.sqrt(fan_in))
            begin, end = {"all": (0, count), "first half": (0, count // 2),
                          "second half": (count // 2, count)}[rows]
            start = zlib.crc32(name.encode())
            while begin < end:
                place = (start + begin) % self.size
                size = min(end - begin, self.size - place)
                yield block[2 * place:2 * (place + size)]
                begin += size


def write_file(path, tensors, values):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, shape, _ in tensors:
        end = offset + 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb", buffering=0) as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for _, _, parts in tensors:
            for name, shape, rows in parts:
                for chunk in values.chunks(name, shape, rows):
                    out.write(chunk)
    print(f"{path}: {len(tensors)} tensors, {offset / 1e9:.3f} GB", flush=True)
    return offset


def write_sharded(folder, stem, tensors, values, shard_bytes):
    shards, size = [[]], 0
    for tensor in tensors:
        bytes_here = 2 * math.prod(tensor[1])
        if shards[-1] and size + bytes_here > shard_bytes:
            shards.append([])
            size = 0
        shards[-1].append(tensor)
        size += bytes_here
    if len(shards) == 1:
        write_file(folder / f"{stem}.safetensors", tensors, values)
        return
    total, weight_map = 0, {}
    for i, shard in enumerate(shards):
        file = f"{stem}-{i + 1:05}-of-{len(shards):05}.safetensors"
        total += write_file(folder / file, shard, values)
        weight_map.update({name: file for name, _, _ in shard})
    write_json(folder / f"{stem}.safetensors.index.json",
               {"metadata": {"total_size": total}, "weight_map": weight_map})


def write_json(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def write_tokenizer(folder, s):
    """A small tokenizer of ours, filled up with entries that no text produces."""
    small = json.loads((ROOT / "tests/golden/a1/tokenizer/tokenizer.json").read_text(encoding="utf-8"))
    vocab = small["model"]["vocab"]
    for i in range(len(vocab), s["first_special"]):
        vocab[f"\u0120unused{i}\u0120"] = i
    small["added_tokens"] = [
        {"id": s["first_special"] + i, "content": token, "single_word": False, "lstrip": False,
         "rstrip": False, "normalized": False, "special": token.startswith("<|")}
        for i, token in enumerate(SPECIAL)]
    write_json(folder / "tokenizer.json", small)
    write_json(folder / "tokenizer_config.json",
               {"tokenizer_class": "Qwen2Tokenizer", "pad_token": "<|endoftext|>",
                "eos_token": "<|im_end|>", "model_max_length": 131072})


def write_configs(out, s):
    write_json(out / "model_index.json", {
        "_class_name": "Flux2KleinPipeline", "_diffusers_version": "0.37.0", "is_distilled": True,
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "text_encoder": ["transformers", "Qwen3ForCausalLM"],
        "tokenizer": ["transformers", "Qwen2TokenizerFast"],
        "transformer": ["diffusers", "Flux2Transformer2DModel"],
        "vae": ["diffusers", "AutoencoderKLFlux2"]})
    write_json(out / "scheduler/scheduler_config.json", {
        "_class_name": "FlowMatchEulerDiscreteScheduler", "num_train_timesteps": 1000, "shift": 3.0,
        "use_dynamic_shifting": True, "base_shift": 0.5, "max_shift": 1.15,
        "base_image_seq_len": 256, "max_image_seq_len": 4096, "time_shift_type": "exponential"})
    write_json(out / "transformer/config.json", {
        "_class_name": "Flux2Transformer2DModel", "patch_size": 1, "in_channels": 4 * s["latent"],
        "out_channels": None, "num_layers": s["double"], "num_single_layers": s["single"],
        "attention_head_dim": s["head_dim"], "num_attention_heads": s["heads"],
        "joint_attention_dim": 3 * s["hidden"], "timestep_guidance_channels": 256, "mlp_ratio": 3.0,
        "axes_dims_rope": s["axes"], "rope_theta": 2000, "eps": 1e-6, "guidance_embeds": False})
    write_json(out / "vae/config.json", {
        "_class_name": "AutoencoderKLFlux2", "in_channels": 3, "out_channels": 3,
        "block_out_channels": s["channels"], "layers_per_block": s["resnets"],
        "down_block_types": ["DownEncoderBlock2D"] * len(s["channels"]),
        "up_block_types": ["UpDecoderBlock2D"] * len(s["channels"]), "latent_channels": s["latent"],
        "norm_num_groups": s["groups"], "act_fn": "silu", "mid_block_add_attention": True,
        "use_quant_conv": True, "use_post_quant_conv": True, "batch_norm_eps": 1e-4,
        "patch_size": [2, 2]})


def write_text_config(folder, s):
    write_json(folder / "config.json", {
        "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_act": "silu",
        "attention_bias": False, "vocab_size": s["vocab"], "hidden_size": s["hidden"],
        "num_hidden_layers": s["layers"], "num_attention_heads": s["query_heads"],
        "num_key_value_heads": s["kv_heads"], "head_dim": s["text_head_dim"],
        "intermediate_size": s["ffn"], "rms_norm_eps": 1e-6, "rope_theta": 1000000,
        "tie_word_embeddings": True, "torch_dtype": "bfloat16"})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="klein-4b")
    parser.add_argument("--layout", choices=["diffusers", "bfl"], default="diffusers")
    parser.add_argument("--only", choices=["transformer", "text_encoder", "vae", "tokenizer"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shard-bytes", type=int, default=SHARD_BYTES)
    arguments = parser.parse_args()
    if arguments.out.resolve().is_relative_to(ROOT) and arguments.shape != "tiny":
        parser.error("OUT lies in the repository; gigabytes of noise do not belong there")
    s, out, bfl = SHAPES[arguments.shape], arguments.out, arguments.layout == "bfl"

    def wanted(part):
        return arguments.only in (None, part)

    values = Values(arguments.seed, TINY_BLOCK if arguments.shape == "tiny" else BLOCK)
    if not bfl:
        write_configs(out, s)
    if wanted("tokenizer"):
        write_tokenizer(out / "tokenizer", s)
    if wanted("vae") and bfl:
        write_file(out / "ae.safetensors", bfl_vae(vae(s), len(s["channels"])), values)
    elif wanted("vae"):
        write_file(out / "vae/diffusion_pytorch_model.safetensors", plain(vae(s)), values)
    if wanted("transformer") and bfl:
        write_file(out / f"flux-2-{arguments.shape}.safetensors",
                   bfl_transformer(transformer(s)), values)
    elif wanted("transformer"):
        write_sharded(out / "transformer", "diffusion_pytorch_model", plain(transformer(s)), values,
                      10 ** 10)
    if wanted("text_encoder"):
        write_text_config(out / "text_encoder", s)
        write_sharded(out / "text_encoder", "model", plain(text_encoder(s)), values,
                      arguments.shard_bytes)


if __name__ == "__main__":
    main()

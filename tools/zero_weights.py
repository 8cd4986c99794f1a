#!/usr/bin/env python3
"""Writes a model with true shapes whose matrices are zeros, as holes in sparse files: for checks of
memory with models that are larger than the disk has room for. It is read like any other, so each
page of a weight takes a page of memory; the pictures are grey.

    tools/zero_weights.py OUT --shape flux1-dev --type q4_0     FLUX.1 [dev]: 6.7 + 9.5 GB, a few MB on the disk
    tools/zero_weights.py OUT --shape klein-9b                  FLUX.2 [klein] 9B in bf16: 18 + 16 GB
    tools/zero_weights.py OUT --shape flux2-dev --type q4_k     FLUX.2 [dev]: 18 + 47 GB
    tools/zero_weights.py OUT --shape fastwan-5b                FastWan 2.2 TI2V-5B in bf16: 10 + 11 GB

A FastWan's videos are grey too; `models show`, `bench` and `animate` work on it as on the real one.
`--type` is the transformer's: bf16 in safetensors, q8_0, q4_0 or q4_k in GGUF. Encoders and VAE are
bf16. Only Python's own library is needed.
"""

import argparse
import array
import math
import pathlib
import shutil
import struct
import json

import random_weights
from random_weights import ROOT, SHAPES, write_json

# GGUF's numbers of the types, values and bytes of a block.
GGUF_TYPES = {"f32": (0, 1, 4), "bf16": (30, 1, 2), "q4_0": (2, 32, 18), "q8_0": (8, 32, 34),
              "q4_k": (12, 256, 144)}
WIDTH, POOLED, TEXT = 3072, 768, 4096  # of FLUX.1
MISTRAL = 5120, 32768  # width, and that of its MLPs


# ---- shapes of FLUX.1 [dev] ---------------------------------------------------------------------


def linear(name, rows, cols):
    return {name + ".weight": [rows, cols], name + ".bias": [rows]}


def flux1_transformer():
    out = {}
    for name, rows, cols in (
            ("img_in", WIDTH, 64), ("txt_in", WIDTH, TEXT), ("time_in.in_layer", WIDTH, 256),
            ("time_in.out_layer", WIDTH, WIDTH), ("vector_in.in_layer", WIDTH, POOLED),
            ("vector_in.out_layer", WIDTH, WIDTH), ("guidance_in.in_layer", WIDTH, 256),
            ("guidance_in.out_layer", WIDTH, WIDTH),
            ("final_layer.adaLN_modulation.1", 2 * WIDTH, WIDTH), ("final_layer.linear", 64, WIDTH)):
        out |= linear(name, rows, cols)
    for i in range(19):
        for stream in ("img", "txt"):
            at = f"double_blocks.{i}.{stream}_"
            out |= linear(at + "mod.lin", 6 * WIDTH, WIDTH)
            out |= linear(at + "attn.qkv", 3 * WIDTH, WIDTH)
            out |= linear(at + "attn.proj", WIDTH, WIDTH)
            out |= linear(at + "mlp.0", 4 * WIDTH, WIDTH)
            out |= linear(at + "mlp.2", WIDTH, 4 * WIDTH)
            out |= {f"{at}attn.norm.{part}_norm.scale": [128] for part in ("query", "key")}
    for i in range(38):
        at = f"single_blocks.{i}."
        out |= linear(at + "modulation.lin", 3 * WIDTH, WIDTH)
        out |= linear(at + "linear1", 7 * WIDTH, WIDTH)
        out |= linear(at + "linear2", WIDTH, 5 * WIDTH)
        out |= {f"{at}norm.{part}_norm.scale": [128] for part in ("query", "key")}
    return out


def t5():
    out = {"shared.weight": [32128, TEXT], "encoder.final_layer_norm.weight": [TEXT]}
    out["encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight"] = [32, 64]
    for i in range(24):
        at = f"encoder.block.{i}.layer."
        for part in "qkvo":
            out[f"{at}0.SelfAttention.{part}.weight"] = [4096, TEXT]
        for part in ("wi_0", "wi_1"):
            out[f"{at}1.DenseReluDense.{part}.weight"] = [10240, TEXT]
        out[at + "1.DenseReluDense.wo.weight"] = [TEXT, 10240]
        out |= {f"{at}{part}.layer_norm.weight": [TEXT] for part in "01"}
    return out


def umt5():
    """Of Wan: T5's encoder with a larger vocabulary and positions of each layer's own."""
    out = t5() | {"shared.weight": [256384, TEXT]}
    for i in range(24):
        out[f"encoder.block.{i}.layer.0.SelfAttention.relative_attention_bias.weight"] = [32, 64]
    return out


def clip():
    out = {"text_model.embeddings.token_embedding.weight": [49408, POOLED],
           "text_model.embeddings.position_embedding.weight": [77, POOLED]}
    norms = ["text_model.final_layer_norm"]
    for i in range(12):
        at = f"text_model.encoder.layers.{i}."
        norms += [at + "layer_norm1", at + "layer_norm2"]
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            out |= linear(at + "self_attn." + part, POOLED, POOLED)
        out |= linear(at + "mlp.fc1", 4 * POOLED, POOLED)
        out |= linear(at + "mlp.fc2", POOLED, 4 * POOLED)
    for name in norms:
        out |= {name + ".weight": [POOLED], name + ".bias": [POOLED]}
    return out


def flux1_vae():
    shapes = random_weights.vae({"channels": [128, 256, 512, 512], "latent": 16, "resnets": 2})
    return {name: shape for name, shape in shapes.items()
            if not name.startswith(("bn.", "quant_conv", "post_quant_conv"))}


# ---- shapes of Wan 2.2 TI2V-5B ------------------------------------------------------------------


def wan_transformer():
    inner = 14336
    out = {"patch_embedding.weight": [WIDTH, 48, 1, 2, 2], "patch_embedding.bias": [WIDTH],
           "scale_shift_table": [1, 2, WIDTH]}
    at = "condition_embedder."
    for name, rows, cols in ((at + "time_embedder.linear_1", WIDTH, 256),
                             (at + "time_embedder.linear_2", WIDTH, WIDTH),
                             (at + "time_proj", 6 * WIDTH, WIDTH),
                             (at + "text_embedder.linear_1", WIDTH, TEXT),
                             (at + "text_embedder.linear_2", WIDTH, WIDTH), ("proj_out", 192, WIDTH)):
        out |= linear(name, rows, cols)
    for i in range(30):
        at = f"blocks.{i}."
        for attention in ("attn1.", "attn2."):
            for part in ("to_q", "to_k", "to_v", "to_out.0"):
                out |= linear(at + attention + part, WIDTH, WIDTH)
            out |= {f"{at}{attention}norm_{part}.weight": [WIDTH] for part in "qk"}
        out |= {at + "norm2.weight": [WIDTH], at + "norm2.bias": [WIDTH]}
        out |= linear(at + "ffn.net.0.proj", inner, WIDTH)
        out |= linear(at + "ffn.net.2", WIDTH, inner)
        out[at + "scale_shift_table"] = [1, 6, WIDTH]
    return out


def wan_vae(latents=48, folded=12, encoder=160, decoder=256, widths=(1, 2, 4, 4)):
    out = {}

    def conv(name, rows, cols, *kernel):
        out.update({name + ".weight": [rows, cols, *kernel], name + ".bias": [rows]})

    def block(name, cols, rows):
        out.update({f"{name}.norm1.gamma": [cols, 1, 1, 1], f"{name}.norm2.gamma": [rows, 1, 1, 1]})
        conv(name + ".conv1", rows, cols, 3, 3, 3)
        conv(name + ".conv2", rows, rows, 3, 3, 3)
        if cols != rows:
            conv(name + ".conv_shortcut", rows, cols, 1, 1, 1)

    def middle(half, width):
        block(half + ".mid_block.resnets.0", width, width)
        block(half + ".mid_block.resnets.1", width, width)
        at = half + ".mid_block.attentions.0."
        out[at + "norm.gamma"] = [width, 1, 1]
        conv(at + "to_qkv", 3 * width, width, 1, 1)
        conv(at + "proj", width, width, 1, 1)

    def ends(half, width, first, rows):
        conv(half + ".conv_in", first, folded if half == "encoder" else latents, 3, 3, 3)
        out[half + ".norm_out.gamma"] = [width, 1, 1, 1]
        conv(half + ".conv_out", rows, width, 3, 3, 3)

    width = encoder
    for i, factor in enumerate(widths):
        at = f"encoder.down_blocks.{i}"
        for j in range(2):
            block(f"{at}.resnets.{j}", width, factor * encoder)
            width = factor * encoder
        if i < 3:
            conv(at + ".downsampler.resample.1", width, width, 3, 3)
        if i in (1, 2):
            conv(at + ".downsampler.time_conv", width, width, 3, 1, 1)
    middle("encoder", width)
    ends("encoder", width, encoder, 2 * latents)
    first = width = widths[-1] * decoder
    middle("decoder", width)
    for i, factor in enumerate(reversed(widths)):
        at = f"decoder.up_blocks.{i}"
        for j in range(3):
            block(f"{at}.resnets.{j}", width, factor * decoder)
            width = factor * decoder
        if i < 3:
            conv(at + ".upsampler.resample.1", width, width, 3, 3)
        if i < 2:
            conv(at + ".upsampler.time_conv", 2 * width, width, 3, 1, 1)
    ends("decoder", width, first, folded)
    conv("quant_conv", 2 * latents, 2 * latents, 1, 1, 1)
    conv("post_quant_conv", latents, latents, 1, 1, 1)
    return out


# ---- files --------------------------------------------------------------------------------------


def vector(name, count):
    """Norms are 1, biases and means 0, as f32."""
    value = 0.0 if name.endswith((".bias", "running_mean")) else 1.0
    return array.array("f", [value]) * count


def write_safetensors(path, tensors):
    header, offset = {}, 0
    for name, shape in tensors.items():
        end = offset + 2 * math.prod(shape)
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        begin = out.tell()
        for name, shape in tensors.items():
            if len(shape) == 1:
                out.seek(begin + header[name]["data_offsets"][0])
                out.write(random_weights.to_bf16(vector(name, shape[0])))
        out.truncate(begin + offset)
    print(f"{path}: {len(tensors)} tensors, {offset / 1e9:.3f} GB", flush=True)


def write_gguf(path, tensors, kind):
    """Matrices in blocks of that type where whole ones make up a row, else in bf16; vectors in f32."""
    def text(value):
        return struct.pack("<Q", len(value)) + value.encode()

    infos, places, offset = b"", [], 0
    for name, shape in tensors.items():
        own = "f32" if len(shape) == 1 else kind if shape[1] % GGUF_TYPES[kind][1] == 0 else "bf16"
        number, values, size = GGUF_TYPES[own]
        infos += text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *reversed(shape), number, offset)
        places.append((name, shape, offset))
        offset += -(-(math.prod(shape) // values * size) // 32) * 32
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), 1)
    head += text("general.architecture") + struct.pack("<I", 8) + text("flux") + infos
    head += b"\0" * (-len(head) % 32)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as out:
        out.write(head)
        for name, shape, place in places:
            if len(shape) == 1:
                out.seek(len(head) + place)
                out.write(vector(name, shape[0]).tobytes())
        out.truncate(len(head) + offset)
    print(f"{path}: {len(tensors)} tensors, {offset / 1e9:.3f} GB", flush=True)


def write_transformer(folder, tensors, kind):
    stem = folder / "diffusion_pytorch_model"
    if kind == "bf16":
        write_safetensors(stem.with_suffix(".safetensors"), tensors)
    else:
        write_gguf(stem.with_suffix(".gguf"), tensors, kind)


# ---- models -------------------------------------------------------------------------------------


def write_flux1(out, kind):
    small = ROOT / "tests/golden/b2"  # its tokenizers and schedule are as dev's
    for part in ("tokenizer", "tokenizer_2", "scheduler"):
        shutil.copytree(small / part, out / part, dirs_exist_ok=True)

    def config(name, **changes):
        write_json(out / name, json.loads((small / name).read_text(encoding="utf-8")) | changes)

    config("model_index.json", max_sequence_length=512)
    config("transformer/config.json", num_layers=19, num_single_layers=38, attention_head_dim=128,
           num_attention_heads=24, joint_attention_dim=TEXT, pooled_projection_dim=POOLED,
           in_channels=64, axes_dims_rope=[16, 56, 56])
    config("vae/config.json", block_out_channels=[128, 256, 512, 512], latent_channels=16,
           layers_per_block=2, norm_num_groups=32, scaling_factor=0.3611, shift_factor=0.1159)
    config("text_encoder/config.json", hidden_size=POOLED, intermediate_size=4 * POOLED,
           num_hidden_layers=12, num_attention_heads=12, max_position_embeddings=77, vocab_size=49408)
    config("text_encoder_2/config.json", d_model=TEXT, d_ff=10240, d_kv=64, num_heads=64, num_layers=24,
           vocab_size=32128, relative_attention_num_buckets=32, relative_attention_max_distance=128)
    write_transformer(out / "transformer", flux1_transformer(), kind)
    write_safetensors(out / "text_encoder/model.safetensors", clip())
    write_safetensors(out / "text_encoder_2/model.safetensors", t5())
    write_safetensors(out / "vae/diffusion_pytorch_model.safetensors", flux1_vae())


def write_fastwan(out):
    small = ROOT / "tests/golden/d2"  # its tokenizer and schedule are as FastWan's
    for part in ("tokenizer", "scheduler"):
        shutil.copytree(small / part, out / part, dirs_exist_ok=True)

    def config(name, **changes):
        write_json(out / name, json.loads((small / name).read_text(encoding="utf-8")) | changes)

    config("model_index.json", max_sequence_length=512)
    config("transformer/config.json", num_layers=30, attention_head_dim=128, num_attention_heads=24,
           ffn_dim=14336, freq_dim=256, text_dim=TEXT, in_channels=48, out_channels=48)
    config("text_encoder/config.json", d_model=TEXT, d_ff=10240, d_kv=64, num_heads=64, num_layers=24,
           vocab_size=256384, relative_attention_num_buckets=32, relative_attention_max_distance=128)
    config("vae/config.json", base_dim=160, decoder_base_dim=256, z_dim=48, num_res_blocks=2,
           latents_mean=[0.0] * 48, latents_std=[1.0] * 48)
    write_transformer(out / "transformer", wan_transformer(), "bf16")
    write_safetensors(out / "text_encoder/model.safetensors", umt5())
    write_safetensors(out / "vae/diffusion_pytorch_model.safetensors", wan_vae())


def mistral():
    """The language half of Mistral Small, as Mistral3ForConditionalGeneration names it."""
    hidden, ffn = MISTRAL
    at = "language_model.model."
    out = {at + "embed_tokens.weight": [131072, hidden], at + "norm.weight": [hidden],
           "language_model.lm_head.weight": [131072, hidden]}
    for i in range(40):
        layer = f"{at}layers.{i}."
        for part, rows, cols in (("self_attn.q_proj", 4096, hidden), ("self_attn.k_proj", 1024, hidden),
                                 ("self_attn.v_proj", 1024, hidden), ("self_attn.o_proj", hidden, 4096),
                                 ("mlp.gate_proj", ffn, hidden), ("mlp.up_proj", ffn, hidden),
                                 ("mlp.down_proj", hidden, ffn)):
            out[f"{layer}{part}.weight"] = [rows, cols]
        for part in ("input_layernorm", "post_attention_layernorm"):
            out[f"{layer}{part}.weight"] = [hidden]
    return out


def write_flux2_dev(out, kind):
    small = ROOT / "tests/golden/c1"  # its tokenizer and schedule are as dev's
    for part in ("tokenizer", "scheduler"):
        shutil.copytree(small / part, out / part, dirs_exist_ok=True)
    s = SHAPES["klein-9b"] | dict(heads=48, double=8, single=48, hidden=MISTRAL[0])
    random_weights.write_configs(out, s)
    # Without c1's taps: those of the published model are the usual ones.
    index = json.loads((small / "model_index.json").read_text(encoding="utf-8"))
    del index["text_encoder_out_layers"], index["max_sequence_length"]
    write_json(out / "model_index.json", index)
    config = json.loads((out / "transformer/config.json").read_text(encoding="utf-8"))
    write_json(out / "transformer/config.json", config | {"guidance_embeds": True})
    config = json.loads((small / "text_encoder/config.json").read_text(encoding="utf-8"))
    config["text_config"] |= dict(hidden_size=MISTRAL[0], intermediate_size=MISTRAL[1],
                                  num_hidden_layers=40, num_attention_heads=32,
                                  num_key_value_heads=8, head_dim=128, vocab_size=131072)
    write_json(out / "text_encoder/config.json", config)
    tensors = random_weights.transformer(s)
    width = s["heads"] * s["head_dim"]
    for number, cols in ((1, 256), (2, width)):
        tensors[f"time_guidance_embed.guidance_embedder.linear_{number}.weight"] = [width, cols]
    write_transformer(out / "transformer", tensors, kind)
    write_safetensors(out / "text_encoder/model.safetensors", mistral())
    write_safetensors(out / "vae/diffusion_pytorch_model.safetensors", random_weights.vae(s))


def write_klein(out, s, kind):
    random_weights.write_configs(out, s)
    random_weights.write_text_config(out / "text_encoder", s)
    random_weights.write_tokenizer(out / "tokenizer", s)
    write_transformer(out / "transformer", random_weights.transformer(s), kind)
    write_safetensors(out / "text_encoder/model.safetensors", random_weights.text_encoder(s))
    write_safetensors(out / "vae/diffusion_pytorch_model.safetensors", random_weights.vae(s))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--shape", choices=["flux1-dev", "flux2-dev", "klein-4b", "klein-9b", "fastwan-5b"],
                        required=True)
    parser.add_argument("--type", choices=["bf16", "q8_0", "q4_0", "q4_k"], default="bf16")
    arguments = parser.parse_args()
    if arguments.out.resolve().is_relative_to(ROOT):
        parser.error("OUT lies in the repository")
    if arguments.shape == "flux1-dev":
        write_flux1(arguments.out, arguments.type)
    elif arguments.shape == "fastwan-5b":
        if arguments.type != "bf16":
            parser.error("a Wan is written in bf16")
        write_fastwan(arguments.out)
    elif arguments.shape == "flux2-dev":
        write_flux2_dev(arguments.out, arguments.type)
    else:
        write_klein(arguments.out, SHAPES[arguments.shape], arguments.type)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes tests/golden/quantised.safetensors: random weights as the tools that quantise store them, each
under a name of its own, and as `NAME.expected` in F32 what the tool itself makes of them.

    tools/record_quantised.py OUT.safetensors

Needs torch, safetensors, comfy-kitchen, bitsandbytes, torchao, optimum-quanto and sdnq.
"""

import json
import sys

import torch
from safetensors.torch import save_file

TENSORS = {}


def random(rows, cols):
    # Rows of different sizes, so that a factor of the wrong row shows.
    return torch.randn(rows, cols) * torch.logspace(-1, 1, rows)[:, None]


def add(name, parts, expected):
    for suffix, tensor in parts.items():
        TENSORS[f"{name}.{suffix}"] = tensor.detach().contiguous().clone()
    TENSORS[f"{name}.expected"] = expected.detach().to(torch.float32).contiguous().clone()


def text(value):
    return torch.tensor(list(json.dumps(value).encode()), dtype=torch.uint8)


def comfy():
    from comfy_kitchen import tensor as kitchen

    old = random(6, 64) / 100
    numbers = old.to(torch.float8_e4m3fn)
    add("comfy_old", {"weight": numbers, "scale_weight": torch.tensor(0.25),
                      "scale_input": torch.tensor(1.0)}, numbers.float() * 0.25)
    kinds = {"float8_e4m3fn": ("TensorCoreFP8Layout", 6), "int8_tensorwise": ("TensorWiseINT8Layout", 6),
             "mxfp8": ("TensorCoreMXFP8Layout", 160), "nvfp4": ("TensorCoreNVFP4Layout", 160)}
    for kind, (layout, rows) in kinds.items():
        layout = getattr(kitchen, layout)
        numbers, parameters = layout.quantize(random(rows, 80 if rows == 160 and kind == "nvfp4" else 96))
        parts = {f"weight{suffix}": tensor
                 for suffix, tensor in layout.state_dict_tensors(numbers, parameters).items()}
        parts["comfy_quant"] = text({"format": kind})
        add(f"comfy_{kind}", parts, layout.dequantize(numbers, parameters))


def bitsandbytes():
    from bitsandbytes import functional

    for name, nested in (("nf4", False), ("nf4_nested", True)):
        # Runs of 64 that end with the rows: where they do not, dequantize_4bit on a CPU takes other
        # factors than quantize_4bit has written.
        weight = random(12, 128)
        numbers, state = functional.quantize_4bit(weight, blocksize=64, compress_statistics=nested,
                                                  quant_type="nf4")
        parts = {"weight": numbers}
        parts |= {f"weight.{key}": value for key, value in state.as_dict(packed=True).items()}
        add(f"bitsandbytes_{name}", parts, functional.dequantize_4bit(numbers, state))
    weight = random(6, 64)
    largest = weight.abs().amax(dim=1)
    numbers = (weight / largest[:, None] * 127).round().to(torch.int8)
    add("bitsandbytes_int8", {"weight": numbers, "SCB": largest,
                              "weight_format": torch.tensor(0, dtype=torch.uint8)},
        functional.int8_vectorwise_dequant(numbers, largest))


def torchao():
    from torchao.quantization import Float8WeightOnlyConfig, Int8WeightOnlyConfig, quantize_

    for name, config in (("int8", Int8WeightOnlyConfig()), ("fp8", Float8WeightOnlyConfig())):
        layer = torch.nn.Linear(64, 6, bias=False)
        layer.weight.data = random(6, 64)
        quantize_(layer, config)
        weight = layer.weight
        parts = {"_weight_qdata": weight.qdata, "_weight_scale": weight.scale}
        if getattr(weight, "zero_point", None) is not None:
            parts["_weight_zero_point"] = weight.zero_point
        add(f"torchao_{name}", parts, weight.dequantize())


def quanto():
    from optimum.quanto import MaxOptimizer, qfloat8, qint8, quantize_weight

    for name, kind in (("int8", qint8), ("fp8", qfloat8)):
        weight = random(6, 64).to(torch.bfloat16)
        scale = MaxOptimizer()(weight, qtype=kind, axis=0)
        scale = scale[0] if isinstance(scale, tuple) else scale
        quantised = quantize_weight(weight, qtype=kind, axis=0, scale=scale)
        expected = quantised._data.float() * quantised._scale.float()
        add(f"quanto_{name}", {"weight._data": quantised._data, "weight._scale": quantised._scale,
                               "input_scale": torch.tensor(1.0), "output_scale": torch.tensor(1.0)},
            expected)


def sdnq():
    from sdnq import dequantizer

    weight = random(6, 64)
    scale = weight.abs().amax(dim=1, keepdim=True) / 127
    numbers = (weight / scale).round().to(torch.int8)
    add("sdnq_int8", {"weight": numbers, "scale": scale},
        dequantizer.dequantize_symmetric(numbers, scale))
    low = weight.amin(dim=1, keepdim=True)
    scale = (weight.amax(dim=1, keepdim=True) - low) / 255
    numbers = ((weight - low) / scale).round().to(torch.uint8)
    add("sdnq_uint8", {"weight": numbers, "scale": scale, "zero_point": low},
        dequantizer.dequantize_asymmetric(numbers, scale, low))


def main(path):
    torch.manual_seed(11)
    for record in (comfy, bitsandbytes, torchao, quanto, sdnq):
        record()
    save_file(TENSORS, path)


if __name__ == "__main__":
    main(sys.argv[1])

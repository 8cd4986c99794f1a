#!/usr/bin/env python3
"""Writes tests/golden/blocks.gguf with the `gguf` package (gguf-py of llama.cpp): for every block
encoding a tensor of random blocks, and beside it what the package decodes from them.

    tools/record_gguf.py OUT.gguf
"""

import sys

import gguf
import numpy as np

# Offsets of the half-precision numbers in a block; random bits there would be infinite now and then.
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0], "Q2_K": [80, 82],
    "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "IQ4_NL": [0], "IQ4_XS": [0],
    "MXFP4": [],
}
ROWS = 2


def random_blocks(name, rng):
    """[ROWS, bytes of a row], two blocks of 32 or one of 256 to a row."""
    elements, size_bytes = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]]
    per_row = 1 if elements == 256 else 2
    blocks = rng.integers(0, 256, (ROWS * per_row, size_bytes), dtype=np.uint8)
    for offset in HALVES[name]:
        halves = rng.normal(0, 0.1, len(blocks)).astype(np.float16)
        blocks[:, offset:offset + 2] = halves.view(np.uint8).reshape(-1, 2)
    if name == "MXFP4":  # the byte that is the exponent
        blocks[:, 0] = rng.integers(100, 150, len(blocks))
    return blocks.reshape(ROWS, per_row * size_bytes)


def main(path):
    rng = np.random.default_rng(7)
    writer = gguf.GGUFWriter(path, "flux")
    writer.add_quantization_version(2)
    writer.add_array("tokenizer.ggml.tokens", ["a", "Ġb", "<|end|>"])
    writer.add_array("tokenizer.ggml.scores", [0.5, -1.0])
    writer.add_bool("tokenizer.ggml.add_bos_token", False)
    for name in HALVES:
        kind = gguf.GGMLQuantizationType[name]
        blocks = random_blocks(name, rng)
        writer.add_tensor(name, blocks, raw_dtype=kind)
        writer.add_tensor(f"{name}.decoded", gguf.dequantize(blocks, kind).astype(np.float32))
    filters = np.arange(24, dtype=np.float16).reshape(2, 3, 2, 2)
    writer.add_tensor("filters", filters.reshape(6, 4))
    writer.add_array("comfy.gguf.orig_shape.filters", list(filters.shape))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(sys.argv[1])

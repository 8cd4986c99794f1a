"""Stores a small batch and what the trainer's own networks make of it, for the engine to be
compared with.

    python -m training.record_batch [--weights FOLDER] [--out FILE]

Everything is float32 with the exported (bfloat16-rounded) weights. Tensors, N = 2 prompts of equal
length T, without padding: input_ids N x T (in the chat template), noisy_latents N x P x 32
(normalised tokens, row by row), timestep N (noise level, 0 to 1), prompt_embeds N x T x 384,
velocity N x P x 32 (one pass, no guidance). Metadata: rows, columns, prompts.
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from training.paperland import load_exported
from training.paths import WEIGHTS
from training.prompts import PromptEncoder
from training.sample import noise_of

BATCH = Path(__file__).parent / "tests" / "data" / "batch.safetensors"
_PROMPTS = ("a red house on the beach at sunset", "a blue star in the desert at night")
_GRID = (6, 10)  # a 16:9 picture


@torch.no_grad()
def forward(net, ids, noisy, timestep, grid):
    """(prompt_embeds, velocity) of a batch without padding."""
    states = net.text_encoder(ids, torch.ones_like(ids, dtype=torch.bool))
    return states, net.transformer(
        noisy, timestep, states, *net.transformer.rotation(ids.shape[1], grid)
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, default=BATCH)
    args = parser.parse_args()
    torch.set_num_threads(1)
    encode = PromptEncoder(args.weights / "tokenizer")
    ids = torch.tensor([encode(prompt) for prompt in _PROMPTS])
    noisy, timestep = noise_of((0, 1), _GRID), torch.tensor([1.0, 0.75])
    states, velocity = forward(load_exported(args.weights), ids, noisy, timestep, _GRID)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(
        {
            "input_ids": ids,
            "noisy_latents": noisy.contiguous(),
            "timestep": timestep,
            "prompt_embeds": states,
            "velocity": velocity.contiguous(),
        },
        args.out,
        {"rows": str(_GRID[0]), "columns": str(_GRID[1]), "prompts": json.dumps(_PROMPTS)},
    )
    print(f"{args.out}: {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()

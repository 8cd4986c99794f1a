"""Prompt -> picture through the stock Flux2KleinPipeline. The only extra is the border shuffle
around the autoencoder.

python -m training.stock --prompt "a red house on the beach at sunset" --seed 0 --out house.png
"""

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import Flux2KleinPipeline
from PIL import Image

from training.finish import finished
from training.frames import FRAMES, SQUARE
from training.paths import WEIGHTS
from training.sample import Settings


@dataclass
class Stock:
    """A loaded diffusers folder with the settings that stand beside it."""

    pipeline: Flux2KleinPipeline
    border_shuffle: int
    token: int  # pixels per side
    native_pixels: int  # larger pictures are made at this area
    edge_passes: int
    taps: tuple
    settings: Settings


def load(folder=WEIGHTS):
    folder = Path(folder)
    pipeline = Flux2KleinPipeline.from_pretrained(folder, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    read = lambda *path: json.loads(folder.joinpath(*path).read_text())
    sampling = read("sampling.json")
    return Stock(
        pipeline,
        read("vae", "config.json")["border_shuffle"],
        sampling["pixels_per_token"],
        sampling["native_pixels"],
        sampling.get("sharpen_edges", 0),
        tuple(read("model_index.json")["text_encoder_out_layers"]),
        Settings(sampling["steps"], sampling["guidance_scale"]),
    )


def prompt_states(stock, prompt):
    """What the transformer reads of a prompt, 1 x T x J, without padding."""
    pipeline = stock.pipeline
    text = pipeline.tokenizer.apply_chat_template(
        [{"role": "user", "content": prompt}],
        tokenize=False,
        add_generation_prompt=True,
        enable_thinking=False,
    )
    length = len(pipeline.tokenizer(text)["input_ids"])
    return pipeline.encode_prompt(
        prompt, max_sequence_length=length, text_encoder_out_layers=stock.taps
    )[0]


@torch.no_grad()
def generate(stock, prompt, seed, frame=SQUARE, settings=None):
    """The shown part of a picture, finished, not enlarged."""
    settings = settings or stock.settings
    frame = replace(frame, token=stock.token).within(stock.native_pixels)
    width, height = (v // stock.border_shuffle for v in frame.canvas)
    latents = stock.pipeline(
        prompt_embeds=prompt_states(stock, prompt),
        negative_prompt_embeds=prompt_states(stock, ""),
        height=height,
        width=width,
        num_inference_steps=settings.steps,
        guidance_scale=settings.guidance,
        generator=torch.Generator().manual_seed(seed),
        output_type="latent",
    ).images
    pixels = F.pixel_shuffle(stock.pipeline.vae.decode(latents).sample, stock.border_shuffle)[0]
    (shown,) = finished(frame.cut(pixels)[None], stock.edge_passes)
    shown = ((shown + 1) * 127.5).round().byte()
    return Image.fromarray(np.ascontiguousarray(shown.permute(1, 2, 0).numpy()))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--aspect-ratio", choices=list(FRAMES), default="1:1")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--out", default="picture.png")
    args = parser.parse_args()
    stock = load(args.weights)
    settings = Settings(
        args.steps or stock.settings.steps, args.guidance or stock.settings.guidance
    )
    generate(stock, args.prompt, args.seed, FRAMES[args.aspect_ratio], settings).save(args.out)


if __name__ == "__main__":
    main()

"""Records what diffusers' AutoencoderKLWan makes of a clip, frame by frame, and of its first frame.

    python tools/record_wan_frames.py tests/golden/d2/vae tests/golden/wan/frames.safetensors

tests/golden/README.md says what the file holds. Everything is computed in float32 on one thread.
"""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from safetensors.torch import save_file

_LATENT_FRAMES = 4


@torch.no_grad()
def main():
    folder, out = map(Path, sys.argv[1:])
    torch.set_num_threads(1)
    vae = AutoencoderKLWan.from_pretrained(folder, dtype=torch.float32)
    channels = vae.config.z_dim
    latents = torch.randn(
        (1, channels, _LATENT_FRAMES, 4, 2), generator=torch.Generator().manual_seed(1)
    )
    mean = torch.tensor(vae.config.latents_mean).view(1, -1, 1, 1, 1)
    deviation = torch.tensor(vae.config.latents_std).view(1, -1, 1, 1, 1)
    frames = vae.decode(latents * deviation + mean, return_dict=False)[0][0]
    tokens = F.pixel_unshuffle(latents[0].transpose(0, 1), 2).permute(0, 2, 3, 1)
    tensors = {
        "tokens": tokens.flatten(1, 2),
        "frames": frames.permute(1, 2, 3, 0).flatten(1, 2),
    }
    save_file({name: value.contiguous() for name, value in tensors.items()}, out)
    print(f"{out}: {out.stat().st_size} bytes, frames {tuple(frames.shape)}")


if __name__ == "__main__":
    main()

"""The picture autoencoder: a stock AutoencoderKLFlux2 behind a border pixel-shuffle of 8.

    1024 x 1024 x 3  --unshuffle-->  128 x 128 x 192  --encoder-->  32 x 32 x 8
                     --2 x 2 patches-->  16 x 16 tokens x 32

The transformer's latents depend on the encoder: once a pool is made, only the decoder trains on.
"""

import re
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLFlux2
from safetensors.torch import load_file

BORDER_SHUFFLE = 8
CONFIG = dict(
    in_channels=3 * BORDER_SHUFFLE**2,
    out_channels=3 * BORDER_SHUFFLE**2,
    latent_channels=8,
    down_block_types=["DownEncoderBlock2D"] * 3,
    up_block_types=["UpDecoderBlock2D"] * 3,
    block_out_channels=[64, 96, 128],  # finest level first, as below
    decoder_block_out_channels=[96, 128, 192],
    layers_per_block=3,  # of both halves: what the encoder has beside one is the identity
    norm_num_groups=8,
    mid_block_add_attention=False,
    use_quant_conv=True,
    use_post_quant_conv=True,
    sample_size=128,
)

_LATER_BLOCK = re.compile(r"(encoder\.down|decoder\.up)_blocks\.\d+\.resnets\.[1-9]\d*\.")


def build():
    return AutoencoderKLFlux2(**CONFIG)


@torch.no_grad()
def _load_shallower(net, state):
    """Loads a state whose levels may have fewer residual blocks; those that it lacks, as a whole,
    start as the identity.
    """
    missing, unexpected = net.load_state_dict(state, strict=False)
    lacking = {found[0] for found in map(_LATER_BLOCK.match, missing) if found}
    whole = [name for name in net.state_dict() if name.startswith(tuple(lacking))]
    if unexpected or set(missing) != set(whole):
        raise ValueError(f"not this autoencoder: missing {missing}, unexpected {unexpected}")
    for name, p in net.named_parameters():
        if name in missing and ".conv2." in name:
            p.zero_()


def load(path):
    """The autoencoder of a checkpoint: a state dict, or a training state that holds an averaged
    one; it may be shallower.
    """
    saved = torch.load(path)
    net = build()
    _load_shallower(net, saved.get("ema", saved))
    return net.eval()


def load_exported(folder):
    """The autoencoder of a diffusers folder that holds one of these shapes, in float32."""
    net = build()
    stored = load_file(Path(folder) / "vae" / "diffusion_pytorch_model.safetensors")
    _load_shallower(
        net, {name: v.float() if v.is_floating_point() else v for name, v in stored.items()}
    )
    return net.eval()


def to_pixels(pictures):
    """Pictures as bytes (N x H x W x 3, or a list of H x W x 3) -> N x 3 x H x W in -1..1."""
    stacked = torch.from_numpy(np.stack(pictures) if isinstance(pictures, list) else pictures)
    return stacked.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def encode(vae, pixels):
    """Pixels N x 3 x H x W in -1..1 -> the mean of the latents, N x 8 x H/32 x W/32."""
    h = vae.quant_conv(vae.encoder(F.pixel_unshuffle(pixels, BORDER_SHUFFLE)))
    return h.chunk(2, dim=1)[0]


def decode(vae, latents):
    """N x 8 x h x w -> pixels N x 3 x 32h x 32w, about -1..1."""
    return F.pixel_shuffle(vae.decoder(vae.post_quant_conv(latents)), BORDER_SHUFFLE)


def patchify(z):
    """N x C x 2h x 2w -> N x 4C x h x w, in FLUX.2's channel order."""
    n, c, h, w = z.shape
    return (
        z.view(n, c, h // 2, 2, w // 2, 2)
        .permute(0, 1, 3, 5, 2, 4)
        .reshape(n, c * 4, h // 2, w // 2)
    )


def unpatchify(z):
    """The inverse of patchify."""
    n, c, h, w = z.shape
    return (
        z.reshape(n, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c // 4, h * 2, w * 2)
    )


def _statistics(vae):
    mean = vae.bn.running_mean.view(1, -1, 1, 1)
    return mean, torch.sqrt(vae.bn.running_var.view(1, -1, 1, 1) + vae.config.batch_norm_eps)


def to_tokens(vae, latents):
    """N x 8 x 2h x 2w -> normalised tokens N x hw x 32, row by row."""
    mean, std = _statistics(vae)
    return ((patchify(latents) - mean) / std).flatten(2).transpose(1, 2)


def from_tokens(vae, tokens, grid):
    """Normalised tokens N x hw x 32 of a (rows, columns) grid -> N x 8 x 2h x 2w."""
    mean, std = _statistics(vae)
    return unpatchify(tokens.transpose(1, 2).reshape(len(tokens), -1, *grid) * std + mean)

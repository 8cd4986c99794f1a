"""The picture autoencoder: a stock AutoencoderKLFlux2 behind a border pixel-shuffle of 8.

    1024 x 1024 x 3  --unshuffle-->  128 x 128 x 192  --encoder-->  16 x 16 x 8
                     --2 x 2 patches-->  8 x 8 tokens x 32

The encoder is frozen: the transformer's latents depend on it. The decoder can be widened and
trained on alone.
"""

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLFlux2

BORDER_SHUFFLE = 8
NORM_GROUPS = 8
DECODER_CHANNELS = (96, 64, 96, 128)  # finest level first
FIRST_DECODER_CHANNELS = (32, 48, 96, 128)  # of the first weights
CONFIG = dict(
    in_channels=3 * BORDER_SHUFFLE**2,
    out_channels=3 * BORDER_SHUFFLE**2,
    latent_channels=8,
    down_block_types=["DownEncoderBlock2D"] * 4,
    up_block_types=["UpDecoderBlock2D"] * 4,
    block_out_channels=[16, 32, 64, 96],
    layers_per_block=1,
    norm_num_groups=NORM_GROUPS,
    mid_block_add_attention=False,
    use_quant_conv=True,
    use_post_quant_conv=True,
    sample_size=128,
)


def build(decoder_channels=DECODER_CHANNELS):
    return AutoencoderKLFlux2(**CONFIG, decoder_block_out_channels=list(decoder_channels))


def decoder_channels_of(state):
    """The decoder's widths, finest level first, read from a state dict."""
    return tuple(
        state[f"decoder.up_blocks.{i}.resnets.0.conv1.weight"].shape[0] for i in (3, 2, 1, 0)
    )


def load(path):
    """The autoencoder of a checkpoint: a state dict, or a training state that holds an averaged
    one.
    """
    saved = torch.load(path)
    state = saved.get("ema", saved)
    net = build(decoder_channels_of(state))
    net.load_state_dict(state)
    return net.eval()


def to_pixels(pictures):
    """Pictures as arrays of bytes (H x W x 3) -> N x 3 x H x W in -1..1."""
    return (
        torch.stack([torch.from_numpy(p) for p in pictures])
        .permute(0, 3, 1, 2)
        .float()
        .div_(127.5)
        .sub_(1)
    )


def encode(vae, pixels):
    """Pixels N x 3 x H x W in -1..1 -> the mean of the latents, N x 8 x H/64 x W/64."""
    h = vae.quant_conv(vae.encoder(F.pixel_unshuffle(pixels, BORDER_SHUFFLE)))
    return h.chunk(2, dim=1)[0]


def decode(vae, latents):
    """N x 8 x h x w -> pixels N x 3 x 64h x 64w, about -1..1."""
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


# ---------------------------------------------------------------- widening
def _sources(narrow, wide):
    """For each wide channel the narrow one that it copies. Copies stay in their norm group, so that
    the group's statistics (nearly) keep.
    """
    a, b = narrow // NORM_GROUPS, wide // NORM_GROUPS
    return torch.tensor([group * a + i % a for group in range(NORM_GROUPS) for i in range(b)])


def _widened(weight, shape, jitter, generator):
    if weight.shape == shape:
        return weight
    if weight.shape[0] != shape[0]:
        weight = weight[_sources(weight.shape[0], shape[0])]
    if weight.ndim == 1 or weight.shape[1] == shape[1]:
        return weight
    narrow = weight.shape[1]
    source = _sources(narrow, shape[1])
    copies = torch.bincount(source, minlength=narrow)[source]
    # Every output splits an old input channel among its copies in shares of its own: they sum to
    # one, so the function is kept, and differ, so the copies get different gradients and drift
    # apart.
    share = (1 + jitter * torch.randn(weight.shape[0], len(source), generator=generator)) / copies
    total = torch.zeros(weight.shape[0], narrow).index_add_(1, source, share)
    share = share / total[:, source]
    return weight[:, source] * share.view(*share.shape, *[1] * (weight.ndim - 2))


def widen(vae, decoder_channels=DECODER_CHANNELS, jitter=0.5):
    """A copy with a wider decoder that computes (nearly) the same; exactly the same where widths
    grow by whole factors.
    """
    wide, narrow = build(decoder_channels), vae.state_dict()
    generator = torch.Generator().manual_seed(0)
    wide.load_state_dict(
        {
            name: _widened(narrow[name], like.shape, jitter, generator)
            for name, like in wide.state_dict().items()
        }
    )
    return wide

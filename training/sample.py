"""Prompts -> pictures with the training classes, many at a time. stock.py does the same with the
stock pipeline.
"""

from collections import defaultdict
from dataclasses import dataclass

import torch

from training import autoencoder
from training.finish import finished

SHIFT = 3.0  # of the noise levels, whatever the picture's size


@dataclass(frozen=True)
class Settings:
    steps: int = 6
    guidance: float = 1.0


def noise_levels(steps, shift=SHIFT):
    """Noise levels from 1 down to 0: steps + 1 numbers."""
    s = torch.linspace(1.0, 1.0 / steps, steps)
    return torch.cat((shift * s / (1 + (shift - 1) * s), torch.zeros(1)))


def noise_of(seeds, grid, channels=32):
    """The noise that the stock pipeline draws for each seed, as tokens: N x P x channels."""
    drawn = [
        torch.randn((1, channels, *grid), generator=torch.Generator().manual_seed(seed))
        for seed in seeds
    ]
    return torch.cat(drawn).flatten(2).transpose(1, 2)


def _states(net, prompts):
    """Prompts of one length -> what the transformer reads, N x T x J."""
    ids = torch.tensor(prompts)
    return net.text_encoder(ids, torch.ones_like(ids, dtype=torch.bool))


@dataclass(frozen=True)
class Given:
    """Clean tokens beside the noise, N x R x 32, and the times of all pictures."""

    tokens: torch.Tensor | None = None
    made_times: tuple = (0,)
    times: tuple = ()

    def of(self, members):
        tokens = self.tokens[members] if self.tokens is not None else None
        return Given(tokens, self.made_times, self.times)


def _sample_group(net, prompts, empty, noise, grid, settings, given):
    """Prompts (lists of ids) of one length and their noise N x P x 32 -> tokens N x P x 32."""
    turn = lambda count: net.transformer.rotation(count, grid, given.made_times + given.times)
    prompt, rotation = _states(net, prompts), turn(len(prompts[0]))
    nothing = _states(net, [empty]).expand(len(prompts), -1, -1)
    nothing_rotation = turn(len(empty))
    x, levels = noise, noise_levels(settings.steps)
    for now, then in zip(levels[:-1], levels[1:]):
        t = now.expand(len(prompts))
        velocity = net.transformer(x, t, prompt, *rotation, given.tokens)
        if settings.guidance != 1:
            without = net.transformer(x, t, nothing, *nothing_rotation, given.tokens)
            velocity = without + settings.guidance * (velocity - without)
        x = x + (then - now) * velocity
    return x


@torch.no_grad()
def sample(net, encode, prompts, seeds, grid, settings=Settings(), given=Given()):
    """Tokens N x P x 32 for texts and seeds; grouped by length, so nothing is padded."""
    ids = [encode(prompt) for prompt in prompts]
    groups = defaultdict(list)
    for i, prompt in enumerate(ids):
        groups[len(prompt)].append(i)
    noise = torch.cat([noise_of(seeds, grid)] * len(given.made_times), 1)
    if len(given.made_times) > 1:  # frames of a clip: noise of their own
        noise = torch.randn(
            noise.shape, generator=torch.Generator().manual_seed(min(seeds, default=0))
        )
    out = torch.empty_like(noise)
    for members in groups.values():
        out[members] = _sample_group(
            net,
            [ids[i] for i in members],
            encode(""),
            noise[members],
            grid,
            settings,
            given.of(members),
        )
    return out


@torch.no_grad()
def pictures(vae, tokens, grid, dtype=torch.float32, batch=4):
    """Tokens -> finished pixels 3 x H x W in -1..1, one by one; dtype: of the decoder's matrix
    products."""
    for part in tokens.split(batch):
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            made = autoencoder.decode(vae, autoencoder.from_tokens(vae, part, grid))
        yield from finished(made)

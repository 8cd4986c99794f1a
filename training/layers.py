"""Layers that the transformer and the text encoder share.

Normalisations and residual sums run in float32 also under bfloat16 autocast; matrix products follow
autocast.
"""

import math

import torch
import torch.nn as nn


def linear(n_in, n_out, gain=1.0):
    """A matrix without bias, as everywhere in FLUX.2 and Qwen3."""
    layer = nn.Linear(n_in, n_out, bias=False)
    nn.init.normal_(layer.weight, std=gain / math.sqrt(n_in))
    return layer


class RmsNorm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(width)), eps

    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weight


def attend(q, k, v, mask=None):
    """Batch x heads x tokens x width. Written out: faster at these sizes than PyTorch's fused CPU
    kernel.
    """
    scores = (q @ k.transpose(-1, -2)) * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores + mask
    return scores.softmax(-1) @ v


class Names(nn.Module):
    """Modules under given names: the stock classes' nesting of names without their code."""

    def __init__(self, **modules):
        super().__init__()
        for name, module in modules.items():
            setattr(self, name, module)
